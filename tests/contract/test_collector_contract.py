"""The examples are what the collector takes."""

from pathlib import Path

import pytest

from botwatch_collector.config import Limits
from botwatch_collector.ingest import decode

EXAMPLES = sorted(Path(__file__).parent.glob("*.ndjson"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_collector_takes_the_example(path: Path) -> None:
    lines = path.read_bytes()

    batch = decode.batch(lines, "identity", Limits())

    assert len(batch.events) == lines.count(b"\n") - 1
