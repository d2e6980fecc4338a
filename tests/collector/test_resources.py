"""What an instance has used over time, recomputed from its samples."""

from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

from botwatch_collector import models
from botwatch_collector.analytics.resources import RANGES, RangeName, Reading, resources
from botwatch_collector.clock import DAY, HOUR, MINUTE, SECOND, iso, to_ms
from botwatch_collector.config import Keep
from botwatch_collector.errors import NotFound

NOW = to_ms(datetime.fromisoformat("2026-10-28T09:20:00Z"))
MEBIBYTE = 1 << 20


@pytest.fixture
def bot(database: None) -> int:
    return models.Bot.insert(name="alice-bot", created_at=0).execute()  # type: ignore[no-any-return]


@pytest.fixture
def instance(bot: int) -> int:
    seen = {"first_seen_at": 0, "last_seen_at": NOW}
    return models.Instance.insert(bot_id=bot, name="one", host="host", pid=7, **seen).execute()  # type: ignore[no-any-return]


def sample(bot: int, instance: int, *times: int, **figures: Any) -> None:
    first = models.Sample.select().count() + 1
    common = {"bot_id": bot, "instance_id": instance, **figures}
    rows = [common | {"id": first + n, "occurred_at": at, "received_at": at} for n, at in enumerate(times)]
    models.Sample.insert_many(rows).execute()


def readings(bot: int, instance: int, name: RangeName, keep: Keep | None = None) -> list[Reading]:
    return resources([bot], instance, name, NOW, keep or Keep()).readings


@pytest.mark.parametrize("name", RANGES)
def test_readings_are_those_of_the_samples(bot: int, instance: int, name: RangeName) -> None:
    length, bucket = RANGES[name]
    told: dict[int, list[tuple[float, int, float]]] = defaultdict(list)
    for number, at in enumerate(range(NOW - length, NOW, length // 200)):
        cpu, memory, lag = number % 17 * 1.5, (100 + number) * MEBIBYTE, float(number % 5)
        sample(bot, instance, at, cpu_percent=cpu, memory_bytes=memory, loop_lag_ms=lag, fds=9, threads=4)
        told[at // bucket * bucket].append((cpu, memory, lag))

    found = readings(bot, instance, name)

    assert [one.at for one in found] == [iso(at) for at in sorted(told)]
    for reading, (_, rows) in zip(found, sorted(told.items()), strict=True):
        cpus, memories, lags = zip(*rows, strict=True)
        assert reading.cpu_percent == pytest.approx(sum(cpus) / len(cpus), abs=0.006)
        assert reading.memory_mb == pytest.approx(sum(memories) / len(memories) / MEBIBYTE, abs=0.006)
        assert (reading.loop_lag_ms, reading.fds, reading.threads) == (max(lags), 9, 4)


def test_silence_is_a_gap(bot: int, instance: int) -> None:
    times = [*range(NOW - HOUR, NOW - 40 * MINUTE, 10 * SECOND), *range(NOW - 20 * MINUTE, NOW, 10 * SECOND)]
    sample(bot, instance, *times, cpu_percent=1.0)

    found = readings(bot, instance, "1h")

    assert [one.at for one in found if one.cpu_percent is None] == [iso(NOW - 40 * MINUTE)]


def test_thinned_samples_are_no_gaps(bot: int, instance: int) -> None:
    keep = Keep(samples=1, samples_by_minute=3)
    hourly = range(NOW - 7 * DAY + MINUTE, NOW - 3 * DAY, HOUR)
    by_minute = range(NOW - 3 * DAY, NOW - DAY, MINUTE)
    sample(bot, instance, *hourly, *by_minute, *range(NOW - DAY, NOW, 10 * MINUTE), cpu_percent=1.0)

    assert None not in [one.cpu_percent for one in readings(bot, instance, "7d", keep)]


def test_slow_rhythm_of_an_instance_is_no_gap(bot: int, instance: int) -> None:
    sample(bot, instance, *range(NOW - HOUR, NOW, 5 * MINUTE), cpu_percent=1.0)

    assert len(readings(bot, instance, "1h")) == 12


def test_instance_without_samples_has_no_readings(bot: int, instance: int) -> None:
    assert readings(bot, instance, "24h") == []


def test_instance_of_another_bot_is_not_found(bot: int, instance: int) -> None:
    with pytest.raises(NotFound):
        resources([bot + 1], instance, "1h", NOW, Keep())
