"""What is wrong: rules that are asked again and again, and the incidents that they open and resolve."""

from .incidents import ActiveAlerts, Alert, active, counts, history, resolve
from .look import look
from .rules import RULES, SEVERITIES

__all__ = [
    "RULES",
    "SEVERITIES",
    "ActiveAlerts",
    "Alert",
    "active",
    "counts",
    "history",
    "look",
    "resolve",
]
