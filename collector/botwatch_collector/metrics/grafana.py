"""A dashboard for Grafana, made from a table of panels: what an SRE would otherwise click together."""

from dataclasses import dataclass, field
from typing import Any

_BOT = 'bot=~"$bot"'
_COLUMNS, _HEIGHT = 24, 8


@dataclass(frozen=True)
class Panel:
    """One chart or figure. `queries` are pairs of a PromQL expression and how its lines are named."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 12
    kind: str = "timeseries"
    means: dict[str, str] = field(default_factory=dict)


PANELS = (
    Panel(
        "Bots up",
        ((f"botwatch_bot_up{{{_BOT}}}", "{{bot}}"),),
        width=8,
        kind="stat",
        means={"0": "down", "1": "up"},
    ),
    Panel(
        "Deaf bots",
        ((f"botwatch_bot_deaf{{{_BOT}}}", "{{bot}}"),),
        width=8,
        kind="stat",
        means={"0": "hears", "1": "deaf"},
    ),
    Panel(
        "Active users", ((f"botwatch_active_users{{{_BOT}}}", "{{bot}}, {{window}}"),), width=8, kind="stat"
    ),
    Panel(
        "Messages a second",
        (
            (
                f"sum by (bot, direction) (rate(botwatch_messages_total{{{_BOT}}}[$__rate_interval]))",
                "{{bot}} {{direction}}",
            ),
        ),
    ),
    Panel(
        "Response time",
        tuple(
            (
                f"histogram_quantile({share}, sum by (le) "
                f"(rate(botwatch_response_seconds_bucket{{{_BOT}}}[$__rate_interval])))",
                name,
            )
            for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
        ),
        unit="s",
    ),
    Panel(
        "Wait of the users",
        tuple(
            (
                f"histogram_quantile({share}, sum by (le) "
                f"(rate(botwatch_wait_seconds_bucket{{{_BOT}}}[$__rate_interval])))",
                name,
            )
            for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
        ),
        unit="s",
    ),
    Panel("Age of the heartbeat", ((f"botwatch_heartbeat_age_seconds{{{_BOT}}}", "{{bot}}"),), unit="s"),
    Panel(
        "CPU",
        ((f"botwatch_instance_cpu_percent{{{_BOT}}}", "{{bot}} {{instance}}"),),
        unit="percent",
        width=8,
    ),
    Panel(
        "Memory",
        ((f"botwatch_instance_memory_bytes{{{_BOT}}}", "{{bot}} {{instance}}"),),
        unit="bytes",
        width=8,
    ),
    Panel(
        "Event loop lag",
        ((f"botwatch_instance_loop_lag_seconds{{{_BOT}}}", "{{bot}} {{instance}}"),),
        unit="s",
        width=8,
    ),
    Panel("Events that wait in the bots", ((f"botwatch_agent_queue_events{{{_BOT}}}", "{{bot}}"),)),
    Panel(
        "Events dropped a second",
        (
            (
                f"sum by (bot, reason) (rate(botwatch_agent_losses_total{{{_BOT}}}[$__rate_interval]))",
                "{{bot}} {{reason}}",
            ),
        ),
    ),
    Panel(
        "Events stored a second",
        (("sum by (kind) (rate(botwatch_ingest_events_total[$__rate_interval]))", "{{kind}}"),),
        width=8,
    ),
    Panel(
        "Time of a commit",
        (
            (
                "rate(botwatch_ingest_commit_seconds_sum[$__rate_interval])"
                " / rate(botwatch_ingest_commit_seconds_count[$__rate_interval])",
                "average",
            ),
        ),
        unit="s",
        width=8,
    ),
    Panel(
        "Batches refused a second",
        (("sum by (reason) (rate(botwatch_ingest_rejected_total[$__rate_interval]))", "{{reason}}"),),
        width=8,
    ),
)


def dashboard() -> dict[str, Any]:
    """The model that Grafana imports; it asks for the Prometheus source."""
    return {
        "uid": "botwatch",
        "title": "botwatch",
        "tags": ["botwatch", "chat"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "__inputs": [
            {
                "name": "DS_PROMETHEUS",
                "label": "Prometheus",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "templating": {"list": [_bot_choice()]},
        "panels": _placed(),
    }


_SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}


def _bot_choice() -> dict[str, Any]:
    return {
        "name": "bot",
        "label": "Bot",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(botwatch_bot_up, bot)", "refId": "bots"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _placed() -> list[dict[str, Any]]:
    """From left to right, and on with the next row where one is full."""
    made: list[dict[str, Any]] = []
    left, top = 0, 0
    for number, panel in enumerate(PANELS, 1):
        if left + panel.width > _COLUMNS:
            left, top = 0, top + _HEIGHT
        made.append(
            _model(number, panel) | {"gridPos": {"x": left, "y": top, "w": panel.width, "h": _HEIGHT}}
        )
        left += panel.width
    return made


def _model(number: int, panel: Panel) -> dict[str, Any]:
    mappings = [{"type": "value", "options": {value: {"text": text}}} for value, text in panel.means.items()]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "mappings": mappings}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": name, "datasource": _SOURCE}
            for place, (expression, name) in enumerate(panel.queries)
        ],
    }
