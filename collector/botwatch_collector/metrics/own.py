"""Readings of the collector itself: what all workers counted, and what each of them holds at present."""

import json
import platform
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from .. import db
from ..clock import SECOND
from ..models import CollectorCounter, CollectorWorker, Job
from ..upkeep.tables import table_sizes
from .catalogue import OWN, Metric
from .readings import Labels, Readings, Total, Value

STALE_MS = 90 * SECOND
"""A worker that has not been seen for so long is gone, and its readings with it."""

WORKER_GAUGES = (
    "botwatch_ingest_queue_events",
    "botwatch_stream_readers",
    "botwatch_stream_slow_readers",
)


def read(now: int) -> Readings:
    counted, tables = _counted(), table_sizes()
    # One far ahead was seen under a clock that has been set back since.
    is_fresh = CollectorWorker.seen_at.between(now - STALE_MS, now + STALE_MS)
    workers: list[Any] = list(CollectorWorker.select().where(is_fresh))
    return {
        **{metric.name: _counter(metric, counted) for metric in OWN if metric.kind == "counter"},
        **{metric.name: _summary(metric, counted) for metric in OWN if metric.kind == "summary"},
        **{name: [((), sum(one.gauges.get(name, 0.0) for one in workers))] for name in WORKER_GAUGES},
        "botwatch_job_succeeded_timestamp_seconds": [
            ((job.name,), job.succeeded_at / SECOND) for job in Job.select() if job.succeeded_at is not None
        ],
        "botwatch_database_size_bytes": [((), float(db.size_bytes()))],
        "botwatch_table_size_bytes": [((one.table,), float(one.size_bytes)) for one in tables],
        "botwatch_table_rows": [((one.table,), float(one.rows)) for one in tables],
        "botwatch_build_info": [((version("botwatch"), platform.python_version(), db.dialect()), 1.0)],
        "botwatch_worker_start_time_seconds": [
            ((one.host, str(one.pid)), one.started_at / SECOND) for one in workers
        ],
    }


def _counted() -> Mapping[str, Mapping[str, float]]:
    counted: dict[str, dict[str, float]] = defaultdict(dict)
    rows: Any = CollectorCounter.select().tuples()
    for name, labels, value in rows:
        counted[name][labels] = value
    return counted


def _counter(metric: Metric, counted: Mapping[str, Mapping[str, float]]) -> list[tuple[Labels, Value]]:
    found: list[tuple[Labels, Value]] = []
    for labels, value in sorted(counted.get(metric.name, {}).items()):
        values = json.loads(labels)
        found.append((tuple(values.get(label, "") for label in metric.labels), value))
    # A counter that is there from the start shows its first increase; one that appears with it doesn't.
    return found or ([] if metric.labels else [((), 0.0)])


def _summary(metric: Metric, counted: Mapping[str, Mapping[str, float]]) -> list[tuple[Labels, Value]]:
    count, total = (sum(counted.get(f"{metric.name}_{part}", {}).values()) for part in ("count", "sum"))
    return [((), Total(count, total))]
