"""The queue on disk: bounded, damaged, full or unwritable, it never lies and never stops the bot."""

import errno
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from botwatch import Agent
from botwatch.losses import Losses
from botwatch.spool import segment
from botwatch.spool.backlog import Backlog
from botwatch.spool.directory import adopt_directory
from botwatch.spool.root import SpoolRoot
from botwatch.spool.spool import Spool

from .collector_double import CollectorDouble, Reply

Open = Callable[..., Spool]
SEGMENT_BYTES = 4096


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def open_spool(tmp_path: Path, losses: Losses) -> Iterator[Open]:
    spools: list[Spool] = []

    def open_spool(instance: str = "one", max_bytes: int = 1 << 20, path: Path = tmp_path / "root") -> Spool:
        spool = Spool(
            SpoolRoot((str(path),)),
            {"instance": instance},
            losses,
            segment_bytes=SEGMENT_BYTES,
            max_bytes=max_bytes,
            wake_sender=lambda: None,
            wake_pulse=lambda: None,
        )
        spools.append(spool)
        return spool

    yield open_spool
    for spool in spools:
        spool.close()


def write(spool: Spool, count: int, size: int = 100) -> list[str]:
    texts = [f"{number} ".ljust(size, "x") for number in range(count)]
    for text in texts:
        spool.append(f'"ts":1,"text":"{text}"')
    return texts


def read_all(source: Spool | Backlog) -> list[dict[str, Any]]:
    events = []
    while (batch := source.next_batch(50, 1 << 20)) is not None:
        events += [json.loads(line) for line in batch.lines]
        source.acknowledge(batch)
    return events


def texts_of(source: Spool | Backlog) -> list[str]:
    return [event["text"] for event in read_all(source)]


def kill(spool: Spool) -> None:
    """What kill -9 leaves: the files as they are, the lock released."""
    spool.abandon()
    spool.backlog.segments.clear()


def adopt(tmp_path: Path, losses: Losses, instance: str = "one") -> Backlog:
    directory = adopt_directory(str(tmp_path / "root" / instance))
    assert directory is not None
    backlog = Backlog(directory, directory.origin, losses)
    backlog.load()
    return backlog


def segment_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "root").glob("*/*.seg"))


def test_events_come_back_in_order_over_many_segments(open_spool: Open, tmp_path: Path) -> None:
    spool = open_spool()
    texts = write(spool, 500)
    assert len(segment_files(tmp_path)) > 10
    assert texts_of(spool) == texts
    assert len(segment_files(tmp_path)) == 1, "what is acknowledged is deleted"


def test_prepared_segments_are_used_in_order(open_spool: Open, tmp_path: Path, losses: Losses) -> None:
    spool = open_spool()
    texts = []
    for _ in range(20):
        spool.prepare()
        texts += write(spool, 30)
        spool.append(f'"ts":1,"text":"{"y" * 3 * SEGMENT_BYTES}"')
        texts.append("y" * 3 * SEGMENT_BYTES)
    kill(spool)
    assert texts_of(adopt(tmp_path, losses)) == texts


def test_batch_that_is_not_acknowledged_comes_again(open_spool: Open) -> None:
    spool = open_spool()
    texts = write(spool, 10)
    assert spool.next_batch(5, 1 << 20) == spool.next_batch(5, 1 << 20)
    assert texts_of(spool) == texts


def test_batches_keep_to_their_limits(open_spool: Open) -> None:
    spool = open_spool()
    write(spool, 20)
    few = spool.next_batch(5, 1 << 20)
    small = spool.next_batch(5000, 400)
    tiny = spool.next_batch(5000, 1)
    assert few is not None and small is not None and tiny is not None
    assert (len(few.lines), len(small.lines), len(tiny.lines)) == (5, 3, 1)


def test_heir_continues_where_the_dead_process_stopped(
    open_spool: Open, tmp_path: Path, losses: Losses
) -> None:
    spool = open_spool()
    texts = write(spool, 300)
    for _ in range(3):
        batch = spool.next_batch(40, 1 << 20)
        assert batch is not None
        spool.acknowledge(batch)
    sent = spool.finished
    kill(spool)
    heir = adopt(tmp_path, losses)
    assert heir.queued().events == 300 - sent
    assert texts_of(heir) == texts[sent:]
    heir.close()
    assert list((tmp_path / "root").iterdir()) == []


def test_damaged_cursor_only_sends_again(open_spool: Open, tmp_path: Path, losses: Losses) -> None:
    spool = open_spool()
    texts = write(spool, 20)
    spool.acknowledge(spool.next_batch(10, 1 << 20))  # type: ignore[arg-type]
    kill(spool)
    (tmp_path / "root/one/cursor").write_bytes(b"\xff" * 20)
    assert texts_of(adopt(tmp_path, losses)) == texts
    assert losses.by_reason() == {}


def test_living_process_is_left_alone(open_spool: Open, tmp_path: Path) -> None:
    spool = open_spool()
    write(spool, 10)
    other = open_spool("two")
    other.adopt_orphans()
    assert other.orphans == []
    assert adopt_directory(str(tmp_path / "root/one")) is None


def test_unreadable_origin_does_not_lose_the_events(open_spool: Open, tmp_path: Path, losses: Losses) -> None:
    spool = open_spool()
    texts = write(spool, 5)
    kill(spool)
    (tmp_path / "root/one/meta.json").write_text("[not what")
    heir = adopt(tmp_path, losses)
    assert heir.origin == {"instance": "one"}
    assert texts_of(heir) == texts


@pytest.mark.parametrize("torn", [1, 7, 8, 20, 100, 128, 129, 135])
def test_torn_tail_is_cut(open_spool: Open, tmp_path: Path, losses: Losses, torn: int) -> None:
    spool = open_spool()
    texts = write(spool, 10)
    end = spool._end
    kill(spool)
    os.truncate(segment_files(tmp_path)[0], end - torn)
    assert texts_of(adopt(tmp_path, losses)) == texts[:9]
    assert losses.by_reason() == ({"damaged": 1})


def test_record_without_its_header_was_never_accepted(
    open_spool: Open, tmp_path: Path, losses: Losses
) -> None:
    spool = open_spool()
    texts = write(spool, 10)
    end = spool._end
    kill(spool)
    with segment_files(tmp_path)[0].open("r+b") as file:
        file.seek(end + 8)
        file.write(b'{"seq":11,"ts":1,"text":"torn"}\n')
    assert texts_of(adopt(tmp_path, losses)) == texts
    assert losses.by_reason() == {}


def test_random_damage_gives_no_wrong_event_and_is_counted(
    open_spool: Open, tmp_path: Path, losses: Losses
) -> None:
    spool = open_spool()
    texts = write(spool, 200)
    kill(spool)
    shutil.move(tmp_path / "root/one", tmp_path / "sound")
    dice = random.Random(7)
    for round_number in range(200):
        name = f"copy{round_number}"
        shutil.copytree(tmp_path / "sound", tmp_path / "root" / name)
        hit = damage(dice, sorted((tmp_path / "root" / name).glob("*.seg")))
        found = Losses()
        heir = adopt(tmp_path, found, name)
        survivors = texts_of(heir)
        heir.close()
        assert set(survivors) <= set(texts)
        assert survivors == sorted(survivors, key=texts.index)
        assert len(survivors) >= 200 - 33 * hit, "damage stays in its segment"
        if len(survivors) < 200:
            assert found.by_reason().get("damaged", 0) >= 1


def damage(dice: random.Random, files: list[Path]) -> int:
    """Overwrite bytes at random places of the written part; how many segments that may have hit."""
    strikes = dice.randint(1, 5)
    for _ in range(strikes):
        path = dice.choice(files[:-1])
        content = bytearray(path.read_bytes())
        start = dice.randrange(len(content) - 1)
        stop = min(len(content), start + dice.choice([1, 2, 8, 200]))
        content[start:stop] = dice.choice([dice.randbytes(stop - start), bytes(stop - start)])
        path.write_bytes(content)
    return strikes


def test_oldest_go_when_the_spool_is_full(open_spool: Open, tmp_path: Path, losses: Losses) -> None:
    spool = open_spool(max_bytes=10 * SEGMENT_BYTES)
    texts = write(spool, 2000)
    assert sum(path.stat().st_size for path in (tmp_path / "root").rglob("*")) <= 11 * SEGMENT_BYTES
    dropped = losses.by_reason()["spool_full"]
    assert texts_of(spool) == texts[dropped:]
    assert dropped < 2000 - 200


def test_processes_share_the_limit_of_their_directory(open_spool: Open, tmp_path: Path) -> None:
    spools = [open_spool(f"process {number}", max_bytes=12 * SEGMENT_BYTES) for number in range(3)]
    for _ in range(10):
        for spool in spools:
            write(spool, 50)
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "root").rglob("*.seg"))
    assert size_bytes <= (12 + len(spools)) * SEGMENT_BYTES
    assert all(spool.queued().events for spool in spools)


def test_orphans_go_before_ones_own(open_spool: Open, losses: Losses) -> None:
    dead = open_spool("dead", max_bytes=10 * SEGMENT_BYTES)
    write(dead, 150)
    kill(dead)
    spool = open_spool("live", max_bytes=10 * SEGMENT_BYTES)
    spool.adopt_orphans()
    texts = write(spool, 150)
    assert losses.by_reason()["spool_full"] > 0
    assert texts_of(spool) == texts
    assert len(texts_of(spool.orphans[0])) == 150 - losses.by_reason()["spool_full"]


def test_batch_dropped_on_its_way_is_no_loss_when_it_arrives(open_spool: Open, losses: Losses) -> None:
    spool = open_spool(max_bytes=10 * SEGMENT_BYTES)
    write(spool, 20)
    on_its_way = spool.next_batch(5000, 1 << 20)
    assert on_its_way is not None
    texts = write(spool, 2000)
    dropped = losses.by_reason()["spool_full"]
    spool.acknowledge(on_its_way)
    assert losses.by_reason()["spool_full"] == dropped - len(on_its_way.lines)
    assert texts_of(spool) == texts[-len(texts) + dropped - 20 :]


def test_too_old_segments_go(open_spool: Open, losses: Losses) -> None:
    spool = open_spool()
    texts = write(spool, 100)
    written_at = spool.backlog.oldest_written_at()
    assert written_at is not None
    spool.drop_older_than(3600, written_at + 3000)
    assert losses.by_reason() == {}
    spool.drop_older_than(3600, written_at + 4000)
    dropped = losses.by_reason()["too_old"]
    assert texts_of(spool) == texts[dropped:]


def test_quiet_bots_old_events_go_too(open_spool: Open, losses: Losses) -> None:
    spool = open_spool()
    write(spool, 3)
    now = time.monotonic()
    for later in range(0, 4000, 400):
        spool.drop_older_than(3600, now + later)
    assert spool.queued().events == 3, "not before its time"
    spool.drop_older_than(3600, now + 8000)
    assert losses.by_reason() == {"too_old": 3}
    assert texts_of(spool) == []


def test_directory_that_can_not_be_made_leaves_memory(
    open_spool: Open, tmp_path: Path, losses: Losses
) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = open_spool(path=tmp_path / "file" / "below")
    texts = write(spool, 100)
    assert not spool.is_on_disk
    assert texts_of(spool) == texts
    write(spool, 2000)
    assert losses.by_reason()["memory_full"] > 0
    assert spool.queued().size_bytes <= 10 * SEGMENT_BYTES


def test_disk_that_comes_back_is_used_again(open_spool: Open, tmp_path: Path, losses: Losses) -> None:
    (tmp_path / "late").write_text("in the way")
    spool = open_spool(path=tmp_path / "late" / "below")
    before = write(spool, 10)
    (tmp_path / "late").unlink()
    spool.prepare()
    assert spool.is_on_disk
    after = write(spool, 10)
    assert texts_of(spool) == before + after


def test_disk_that_fills_up_and_empties_again(
    open_spool: Open, monkeypatch: pytest.MonkeyPatch, losses: Losses
) -> None:
    def refuse(fd: int, size_bytes: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    spool = open_spool()
    texts = write(spool, 50)
    allocate = segment.allocate
    monkeypatch.setattr(segment, "allocate", refuse)
    spool.prepare()
    texts += write(spool, 200)
    assert (spool.place, spool.disk_error and spool.disk_error.errno) == ("memory", errno.ENOSPC)
    monkeypatch.setattr(segment, "allocate", allocate)
    spool.prepare()
    assert (spool.place, spool.disk_error) == ("disk", None)
    texts += write(spool, 50)
    assert texts_of(spool) == texts
    assert losses.by_reason() == {}


def test_unwritable_disk_is_shown(start: Callable[..., Agent], tmp_path: Path, collector) -> None:
    (tmp_path / "file").write_text("in the way")
    agent = start(spool_dir=tmp_path / "file" / "below")
    assert agent.flush(20)
    assert collector.events("heartbeat")[0]["spool"]["place"] == "memory"
    assert agent.stats()["spool"] == "memory"
    assert "Not a directory" in agent.stats()["spool_error"]


def test_directory_removed_by_someone_is_made_again(open_spool: Open, tmp_path: Path) -> None:
    spool = open_spool()
    write(spool, 10)
    shutil.rmtree(tmp_path / "root")
    write(spool, 10)
    spool.prepare()
    assert segment_files(tmp_path)
    texts = write(spool, 10)
    assert texts_of(spool)[-10:] == texts


def test_full_disk_is_survived_in_memory(run_python: Callable[..., Any], collector: CollectorDouble) -> None:
    """A limit on file size stands for the full disk: preallocation fails in the same place."""
    process = run_python("""
import resource, botwatch
resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
botwatch.start(linger_s=0.05)
botwatch.message(user_id="alice", text="hello")
assert botwatch.flush(20)
print(botwatch.stats()["spool"], botwatch.stats()["losses"])
""")
    assert process.communicate()[0] == "memory {}\n"
    assert collector.texts() == ["hello"]


def test_events_left_in_memory_at_the_end_are_counted(
    start: Callable[..., Agent], tmp_path: Path, collector
) -> None:
    (tmp_path / "file").write_text("in the way")
    collector.answer = lambda request: Reply(503, "")
    agent = start(spool_dir=tmp_path / "file" / "below")
    agent.message(user_id="alice", text="hello")
    agent.stop()
    assert agent.stats()["losses"] == {"memory_lost": 3}


def test_unfinished_directory_is_cleaned_up_later(open_spool: Open, tmp_path: Path) -> None:
    spool = open_spool()
    unfinished = tmp_path / "root" / ".new-abc"
    unfinished.mkdir()
    (unfinished / "lock").touch()
    spool.adopt_orphans()
    assert unfinished.exists()
    os.utime(unfinished, (1, 1))
    spool.adopt_orphans()
    assert not unfinished.exists()


def test_spool_is_readable_by_its_owner_alone(open_spool: Open, tmp_path: Path) -> None:
    write(open_spool(), 1)
    for path in (tmp_path / "root", *(tmp_path / "root").rglob("*.seg")):
        assert path.stat().st_mode & 0o077 == 0


def test_segment_that_is_being_closed_at_a_fork_is_not_closed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = segment.create_segment(1, str(tmp_path / "1.seg"), SEGMENT_BYTES)
    close, closed = os.close, []

    def fork_here(fd: int) -> None:
        closed.append(fd)
        # What a child does that was forked while the parent's thread is in here.
        one.close()
        close(fd)

    monkeypatch.setattr(os, "close", fork_here)
    one.close()
    assert len(closed) == 1
