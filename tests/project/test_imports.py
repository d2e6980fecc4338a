"""Who may import whom: the layers of the collector, and an agent that knows no collector."""

import sys
from pathlib import Path

from .sources import imports_of, modules

FOUNDATION = {"config", "clock", "errors", "db", "lifecycle"}
TABLES = {
    "models", "migrations", "message_index", "partitions", "views", "distribution", "counters", "damage",
    "backup",
}  # fmt: skip
DOMAIN = {
    "ingest", "rollups", "stream", "presence", "activities", "analytics", "alerts", "access", "exports",
    "messages", "retention", "upkeep",
}  # fmt: skip
EDGE = {"guard", "replies", "security"}  # what every view stands behind
OUTER = {"api", "pages", "jobs", "cli"}

INWARD = FOUNDATION | TABLES | DOMAIN
MAY_IMPORT = (
    dict.fromkeys(FOUNDATION, FOUNDATION)
    | dict.fromkeys(TABLES, FOUNDATION | TABLES)
    | dict.fromkeys(DOMAIN, FOUNDATION | TABLES)
    | {"backup": FOUNDATION | TABLES | {"rollups"}}  # counts what was left
    | {"ingest": FOUNDATION | TABLES | {"rollups", "presence"}}  # stored in one transaction
    | {"stream": FOUNDATION | TABLES | {"analytics"}}  # tells its figures
    | {"retention": FOUNDATION | TABLES | {"rollups"}}  # removes what was counted
    | {"analytics": FOUNDATION | TABLES | {"rollups", "presence"}}
    | {"messages": FOUNDATION | TABLES | {"analytics"}}  # asks for their window
    | {"exports": FOUNDATION | TABLES | {"analytics", "messages"}}  # finds and tells the same
    | {"upkeep": FOUNDATION | TABLES | {"analytics"}}  # tells how its cache is used
    | {"alerts": FOUNDATION | TABLES | {"rollups", "presence", "analytics"}}  # judges its figures
    | {"metrics": INWARD, "streamer": INWARD | {"metrics"}, "companions": FOUNDATION}
    | dict.fromkeys(EDGE, INWARD | EDGE)
    | dict.fromkeys(OUTER, INWARD | EDGE | {"metrics", "streamer"})
    | {"app": INWARD | EDGE | OUTER | {"metrics", "streamer"}}
    | {"wsgi": FOUNDATION | {"app"}, "serving": INWARD | EDGE | {"app", "companions", "jobs", "streamer"}}
    | {"cli": INWARD | {"serving", "demo"}, "__main__": {"cli"}, "demo": FOUNDATION, "": set()}
)

COLLECTOR = modules("botwatch_collector")
AGENT = modules("botwatch")
WEB_FRAMEWORK = {"flask", "flask_wtf", "werkzeug", "jinja2"}
# What a bot gets with the agent (urllib3 comes with requests); backports.zstd is used where it happens to be.
AGENT_NEEDS = {"botwatch", "psutil", "requests", "urllib3", "backports"} | sys.stdlib_module_names


def group_of(name: str) -> str:
    return [*name.split("."), ""][1]


def roots(name: str, path: Path) -> set[str]:
    return {other.split(".")[0] for other in imports_of(name, path)}


def test_collector_modules_import_only_layers_below_their_own() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in COLLECTOR.items()
        for other in sorted(imports_of(name, path))
        if other.startswith("botwatch_collector.")
        and group_of(other) not in MAY_IMPORT.get(group_of(name), set()) | {group_of(name)}
    ]
    assert wrong == []


def test_domain_modules_know_no_web_framework() -> None:
    domain = {name: path for name, path in COLLECTOR.items() if group_of(name) in INWARD}
    assert [name for name, path in domain.items() if roots(name, path) & WEB_FRAMEWORK] == []


def test_only_the_demo_embeds_the_agent_in_the_collector() -> None:
    others = {name: path for name, path in COLLECTOR.items() if group_of(name) != "demo"}
    assert [name for name, path in others.items() if "botwatch" in roots(name, path)] == []


def test_agent_imports_only_what_a_bot_installs() -> None:
    own = {name: path for name, path in AGENT.items() if group_of(name) != "integrations"}
    wrong = {name: roots(name, path) - AGENT_NEEDS for name, path in own.items()}
    assert {name: others for name, others in wrong.items() if others} == {}


def test_agent_does_not_import_the_collector() -> None:
    collector = {"botwatch_collector", "botwatch_web", "botwatch_sql"}
    assert [name for name, path in AGENT.items() if roots(name, path) & collector] == []
