"""The set-up page: names a bot, shows what to paste, and turns green by itself when the bot reports."""

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import accounts, bots, tokens
from ..errors import Conflict, InvalidParameter
from . import arrivals, audit, base
from .snippets import TOKEN_GOES_HERE, snippets, two_lines

blueprint = Blueprint("first_run", __name__)

# By then an agent that can reach the collector has sent its first heartbeat.
_PATIENCE_MS = clock.MINUTE


@blueprint.get("/first-run")
@guard.requires_login()
def first_run() -> str:
    """The form for a new bot, or with ?bot= how to connect that one."""
    reader = guard.reader()
    return _page(bot=base.chosen_bot(), waiting_for=base.chosen_bots(reader))


@blueprint.post("/first-run")
@guard.requires_login(role="operator")
def add_bot() -> tuple[str, int]:
    """Register a bot and show its token, this once: nothing here keeps it."""
    name = request.form.get("name", "").strip()
    try:
        bot = bots.add(name, clock.now())
    except (Conflict, InvalidParameter) as error:
        return _page(name=name, error=error.message, waiting_for=guard.reader().bot_ids()), error.status
    audit.note(f"added bot {bot.name}")
    return _with_new_token(bot.name), 201


@blueprint.post("/first-run/token")
@guard.requires_login(role="operator")
def add_token() -> tuple[str, int]:
    """Another token for a bot whose first one is gone."""
    return _with_new_token(request.form.get("bot", "")), 201


@blueprint.get("/first-run/status")
@guard.requires_login()
def status() -> str | Response:
    """What has come so far; 204 while that is what the asking page shows already."""
    since = request.args.get("since", type=int, default=clock.now())
    reader = guard.reader()
    bot_ids = base.chosen_bots(reader)
    shown = _status(bot_ids, since)
    if shown["state"] == request.args.get("shown"):
        return Response(status=204)
    return render_template("first_run/status.html", bot=base.chosen_bot(), **shown)


def _with_new_token(name: str) -> str:
    bot = bots.named(name)
    token, secret = tokens.add("ingest", clock.now(), bot=bot, name="set-up page")
    audit.note(f"made the ingest token {token.id} of bot {bot.name}")
    return _page(bot=bot.name, token=secret, waiting_for=[bot.id])


def _page(
    *,
    waiting_for: list[int],
    bot: str | None = None,
    token: str | None = None,
    name: str = "",
    error: str | None = None,
) -> str:
    reader = guard.reader()
    url, secret = base.collector_url(), token or TOKEN_GOES_HERE
    return base.render(
        "first_run.html",
        reader,
        bot=bot,
        token=token,
        url=url,
        two_lines=two_lines(url, secret),
        snippets=snippets(url, secret),
        name=name,
        error=error,
        may_add=reader.account is not None and accounts.may(reader.account, "operator"),
        bots=reader.bots(),
        **_status(waiting_for, clock.now()),
    )


def _status(bot_ids: list[int], since: int) -> dict[str, object]:
    """The state that the page is in: waiting, late, heartbeat or message, with what it tells."""
    now = clock.now()
    arrival = arrivals.newest_from(bot_ids)
    if arrival is None:
        state = "late" if now - since >= _PATIENCE_MS else "waiting"
    else:
        state = "message" if arrival.messages else "heartbeat"
    return {"state": state, "arrival": arrival, "since": since, "now": now}
