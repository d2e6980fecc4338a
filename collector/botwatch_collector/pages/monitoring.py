"""The Monitoring page: is the bot all right, and what are people doing with it."""

from collections import Counter
from typing import Any

import msgspec
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from .. import clock, guard, stream
from ..analytics.availability import RANGES, RangeName, availability
from ..analytics.bots import bot_states
from ..analytics.checks import answers
from ..analytics.dashboard import ACTIVE_NOW_MS, dashboard, today
from ..analytics.top_users import top_users
from ..analytics.window import Window
from ..config import Config
from . import arrivals, base
from .remedies import remedies

blueprint = Blueprint("monitoring", __name__)

# Worst first.
_STATUS_WORDS = {"fail": "failing", "warn": "to look at", "unknown": "unknown", "ok": "all right"}
_FEED_LENGTH = 50
_USERS_SHOWN = 100
_INSTANCES_SHOWN = 30


@blueprint.get("/")
@guard.requires_login()
def start() -> Response:
    """The page that is of use: the set-up page while no bot has ever reported."""
    seen = arrivals.anything_from(guard.reader().bot_ids())
    return redirect(url_for("monitoring.monitoring" if seen else "first_run.first_run"))


@blueprint.get("/monitoring")
@guard.requires_login()
def monitoring() -> str:
    """The whole page."""
    reader = guard.reader()
    bots = base.chosen_bots(reader)
    # Read before the messages: what is stored in between comes by the stream as well, and is shown once.
    last_id = stream.latest_id()
    feed = stream.latest(bots, _FEED_LENGTH)
    shown = _figures(bots) | _availability(bots)
    return base.render("monitoring.html", reader, feed=feed, last_id=last_id, **shown)


@blueprint.get("/monitoring/figures")
@guard.requires_login()
def figures() -> str:
    """The parts that are brought up to date while the page is open."""
    bots = base.chosen_bots(guard.reader())
    shown = _figures(bots) | _availability(bots)
    return render_template("monitoring/figures.html", chosen_bot=base.chosen_bot(), **shown)


@blueprint.get("/monitoring/health")
@guard.requires_login()
def health() -> str:
    """Every indicator with its diagnostics."""
    bots = base.chosen_bots(guard.reader())
    found = answers(bots, bot_states(bots, clock.now()))
    last_answers = {f"check:{bot}:{name}": told for (bot, name), told in found.items()}
    return _detail("Health", "monitoring/health_details.html", last_answers=last_answers, **_figures(bots))


@blueprint.get("/monitoring/troubles")
@guard.requires_login()
def troubles() -> str:
    """Errors and hangs with their stacks."""
    figures = _figures(base.chosen_bots(guard.reader()))
    return _detail("Errors and hangs", "monitoring/trouble_details.html", **figures)


@blueprint.get("/monitoring/users")
@guard.requires_login()
def users() -> str:
    """Who is active, by name and id."""
    bots = base.chosen_bots(guard.reader())
    now = clock.now()
    windows = (
        ("In the last 30 minutes", Window(now - ACTIVE_NOW_MS, now)),
        ("Today", today(now, base.reader_zone())),
    )
    lists = [(title, top_users(bots, window, _USERS_SHOWN)) for title, window in windows]
    return _detail("Active users", "monitoring/user_list.html", lists=lists, at=clock.iso(now))


def _detail(title: str, part: str, **values: Any) -> str:
    """A part in the dialog of the page, or, where no script runs, on a page of its own."""
    if base.is_fragment():
        return render_template(part, **values)
    return base.render("monitoring_detail.html", guard.reader(), title=title, part=part, **values)


def _figures(bots: list[int]) -> dict[str, Any]:
    board = _board(bots)
    instances = [(bot, one) for bot in board["bots"] for one in bot["instances"]]
    return {
        "board": board,
        "indicators": sorted(board["health"]["indicators"], key=_gravity),
        "health_words": _health_words(board["health"]["indicators"]),
        "remedies": remedies(board["bots"]),
        "hour_totals": [hour["in"] + hour["out"] for hour in board["messages"]["hours"]],
        "instances": instances[:_INSTANCES_SHOWN],
        "instances_left_out": len(instances[_INSTANCES_SHOWN:]),
        "status_words": _STATUS_WORDS,
    }


def _availability(bots: list[int]) -> dict[str, Any]:
    """The bars of heartbeats, over the time that the address asks for."""
    asked = request.args.get("beats", "")
    name: RangeName = next((one for one in RANGES if one == asked), "24h")
    config: Config = current_app.config["BOTWATCH"]
    now = clock.now()
    found = availability(bots, name, now, kept_since=config.keep.heartbeats_since(now))
    return {"availability": msgspec.to_builtins(found), "beats": name}


def _board(bots: list[int]) -> dict[str, Any]:
    """What the JSON twin of this page tells, under the same names."""
    board: dict[str, Any] = msgspec.to_builtins(dashboard(bots, clock.now(), base.reader_zone()))
    return board


def _gravity(indicator: dict[str, Any]) -> int:
    return list(_STATUS_WORDS).index(indicator["status"])


def _health_words(indicators: list[dict[str, Any]]) -> str:
    """The health in a few words, the worst first."""
    counts = Counter(one["status"] for one in indicators)
    troubles = [f"{counts[status]} {words}" for status, words in _STATUS_WORDS.items() if counts[status]]
    return "All is well" if list(counts) in ([], ["ok"]) else ", ".join(troubles)
