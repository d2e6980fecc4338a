"""The System page: how the collector itself is doing, what its database holds, and what to do about it."""

from typing import Any

import msgspec
from flask import Blueprint, current_app, render_template

from .. import clock, guard
from ..config import Config
from ..retention.declared import RULES
from ..upkeep.report import report
from . import base

blueprint = Blueprint("system", __name__)

_TABLES_SHOWN = 12


@blueprint.get("/system")
@guard.requires_login()
def show() -> str:
    """The whole page."""
    return base.render("system.html", guard.reader(), **_figures())


@blueprint.get("/system/figures")
@guard.requires_login()
def figures() -> str:
    """The parts that are brought up to date while the page is open."""
    return render_template("system/figures.html", **_figures())


def _figures() -> dict[str, Any]:
    config: Config = current_app.config["BOTWATCH"]
    found = msgspec.to_builtins(report(config, clock.now()))
    tables = found["database"]["tables"]
    return {
        "board": found,
        "tables": tables[:_TABLES_SHOWN],
        "tables_left_out": tables[_TABLES_SHOWN:],
        "kept": _kept(config, {one["table"]: one for one in tables}),
        "archive": config.archive,
        "prune": next((job for job in found["jobs"] if job["name"] == "prune"), None),
    }


def _kept(config: Config, sizes: dict[str, Any]) -> list[dict[str, Any]]:
    """What retention removes when: by rule, with the setting that says so."""
    return [
        {
            "rule": rule.name.replace("_", " "),
            "days": getattr(config.keep, rule.keep),
            "setting": f"BOTWATCH_KEEP_{rule.keep.upper()}",
            "size": sizes.get(rule.model._meta.table_name),
            "is_archived": rule.is_archived,
        }
        for rule in RULES
    ]
