"""The dashboard and the alerts that come along ask for what there is, and Prometheus understands them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from botwatch_collector.metrics.catalogue import BOTS, OWN
from botwatch_collector.metrics.grafana import PANELS, dashboard

from .reading import Reading, reading

RULES = Path(str(files("botwatch_web"))) / "static" / "prometheus" / "botwatch.rules.yml"
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")


@pytest.fixture
def api(database_url: str) -> Iterator[Reading]:
    with reading(database_url, lambda *_: None) as opened:
        yield opened


def expressions() -> list[str]:
    return [expression for panel in PANELS for expression, _ in panel.queries]


def families(text: str) -> set[str]:
    series = {(one.name, one.kind) for one in (*BOTS, *OWN)}
    endings = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
    known = {name + ending for name, kind in series for ending in endings.get(kind, ("",))}
    return set(re.findall(r"botwatch_\w+", text)) - known


def test_they_ask_for_metrics_that_exist() -> None:
    assert families("\n".join(expressions())) == set()
    assert families("\n".join(re.findall("expr: (.*)", RULES.read_text()))) == set()


@needs_promtool
def test_prometheus_understands_every_panel(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:number:{number}", "expr": one.replace("$__rate_interval", "5m")}
        for number, one in enumerate(expressions())
    ]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    checked(path, "rules")


@needs_promtool
def test_prometheus_understands_the_alerts() -> None:
    checked(RULES, "rules")


def checked(path: Path, what: str) -> None:
    done = subprocess.run(["promtool", "check", what, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize(
    ("series", "values", "alert", "bot"),
    [
        ('botwatch_bot_up{bot="echo"}', "1 1 0x20", "BotDown", "echo"),
        ('botwatch_bot_deaf{bot="echo"}', "0 0 1x20", "BotDeaf", "echo"),
        ('botwatch_agent_losses_total{bot="echo",reason="full"}', "0 0 5x20", "AgentDropsEvents", "echo"),
    ],
)
def test_alert_fires_when_it_should_and_not_before(
    tmp_path: Path, series: str, values: str, alert: str, bot: str
) -> None:
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing",bot="{bot}"}})'
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values}],
                "alert_rule_test": [{"eval_time": "1m", "alertname": alert, "exp_alerts": []}],
                "promql_expr_test": [
                    {"eval_time": "10m", "expr": firing, "exp_samples": [{"labels": "{}", "value": 1}]}
                ],
            }
        ],
    }
    path = tmp_path / "test.json"
    path.write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_stand_side_by_side_without_overlap() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in pairwise(places):
        is_beside = one["y"] == other["y"] and one["x"] + one["w"] == other["x"]
        is_below = other["y"] == one["y"] + one["h"] and other["x"] == 0
        assert is_beside or is_below


def test_dashboard_needs_a_token(api: Reading) -> None:
    assert api.client.get("/metrics/grafana.json").status_code == 401
    found = api.json("/metrics/grafana.json")
    assert [panel["title"] for panel in found["panels"]] == [panel.title for panel in PANELS]
    with api.client.get("/static/prometheus/botwatch.rules.yml") as rules:
        assert rules.data == RULES.read_bytes()
