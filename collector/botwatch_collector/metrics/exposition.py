"""Everything Prometheus sees, read from the database at each scrape: right under any number of workers."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..config import Timeouts
from . import instances, messages, own, users
from .catalogue import METRICS, Metric
from .readings import Distribution, Labels, Readings, Total, Value


class Scrape(Collector):
    """One reading of all that a reader may see: its bots, and the collector itself for `whole`."""

    def __init__(self, bots: Mapping[int, str], now: int, timeouts: Timeouts, *, whole: bool) -> None:
        self._bots = bots
        self._now = now
        self._timeouts = timeouts
        self._whole = whole

    def collect(self) -> Iterator[Any]:
        readings = self._read()
        for metric in METRICS:
            if self._whole or not metric.own:
                yield _family(metric, readings)

    def _read(self) -> Readings:
        about_bots = messages.read(self._bots, self._now) | instances.read(self._bots, self._now)
        about_bots |= users.read(self._bots, self._now, self._timeouts)
        return about_bots | own.read(self._now) if self._whole else about_bots


def exposition(
    bots: Mapping[int, str], now: int, accept: str, *, whole: bool, timeouts: Timeouts | None = None
) -> tuple[bytes, str]:
    """The metrics in the format that the Accept header asks for, and that format's content type."""
    encode, content_type = choose_encoder(accept)
    return encode(Scrape(bots, now, timeouts or Timeouts(), whole=whole)), content_type


def _family(metric: Metric, readings: Readings) -> Any:
    family: Any = _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
    for labels, value in readings[metric.name]:
        _add(family, labels, value)
    return family


_FAMILIES = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "summary": SummaryMetricFamily,
}


def _add(family: Any, labels: Labels, value: Value) -> None:
    if isinstance(value, Distribution):
        family.add_metric(labels, buckets=list(value.buckets), sum_value=value.sum)
    elif isinstance(value, Total):
        family.add_metric(labels, count_value=value.count, sum_value=value.sum)
    else:
        family.add_metric(labels, value)
