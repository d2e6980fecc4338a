"""Prometheus: what all workers counted and stored, as one exposition."""

from .catalogue import METRICS, Metric
from .exposition import Scrape, exposition
from .worker import Worker

__all__ = ["METRICS", "Metric", "Scrape", "Worker", "exposition"]
