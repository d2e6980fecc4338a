"""Whatever happens to the bytes of a spool: no crash, and no event that was never written."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botwatch.losses import Losses
from botwatch.spool.backlog import Backlog
from botwatch.spool.directory import adopt_directory
from botwatch.spool.root import SpoolRoot
from botwatch.spool.spool import Spool

SEGMENT_BYTES = 2048
TEXTS = [f"{number} ".ljust(number % 90, "ü") + '{"seq":1,' * (number % 3) for number in range(80)]

# Where the blow falls (a share of the file), what it leaves there, and whether the rest of the file is lost.
blows = st.lists(
    st.tuples(st.integers(0, 4), st.floats(0, 1), st.binary(max_size=40), st.booleans()),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def sound() -> Iterator[dict[str, bytes]]:
    """The files that a killed process left, by name."""
    with TemporaryDirectory() as folder:
        spool = Spool(
            SpoolRoot((folder,)),
            {"instance": "one"},
            Losses(),
            segment_bytes=SEGMENT_BYTES,
            max_bytes=1 << 20,
            wake_sender=lambda: None,
            wake_pulse=lambda: None,
        )
        for text in TEXTS:
            spool.append(f'"ts":1,"text":{json.dumps(text)}')
        first = spool.next_batch(5, 1 << 20)
        assert first is not None
        spool.acknowledge(first)
        spool.abandon()
        yield {path.name: path.read_bytes() for path in Path(folder, "one").iterdir()}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(blows=blows)
def test_damaged_files_give_no_wrong_event(
    sound: dict[str, bytes], blows: list[tuple[int, float, bytes, bool]]
) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder, "one")
        home.mkdir()
        for name, content in damaged(sound, blows).items():
            (home / name).write_bytes(content)
        losses = Losses()
        survivors = read_all(folder, losses)

    written = dict(enumerate(TEXTS, start=1))
    assert all(written[number] == text for number, text in survivors)
    numbers = [number for number, _ in survivors]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + losses.by_reason().get("damaged", 0) <= len(TEXTS) + len(blows)


def damaged(files: dict[str, bytes], blows: list[tuple[int, float, bytes, bool]]) -> dict[str, bytes]:
    result = dict(files)
    names = sorted(files)
    for which, where, remains, is_cut in blows:
        name = names[which % len(names)]
        content = bytearray(result[name])
        start = int(where * len(content))
        content[start : start + len(remains)] = remains
        result[name] = bytes(content[: start + len(remains)] if is_cut else content)
    return result


def read_all(folder: str, losses: Losses) -> list[tuple[int, str]]:
    directory = adopt_directory(f"{folder}/one")
    assert directory is not None
    backlog = Backlog(directory, directory.origin, losses)
    backlog.load()
    events = []
    while (batch := backlog.next_batch(7, 1 << 20)) is not None:
        events += [json.loads(line) for line in batch.lines]
        assert batch.first_seq == events[-len(batch.lines)]["seq"]
        backlog.acknowledge(batch)
    backlog.close()
    return [(event["seq"], event["text"]) for event in events]
