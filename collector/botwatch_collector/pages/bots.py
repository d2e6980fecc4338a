"""The register of bots: how each is, its tokens, how to connect it, and retiring it."""

from collections import Counter
from typing import Any

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from .. import clock, guard
from ..access import bots, tokens
from ..analytics.bots import bot_states
from ..analytics.counts import counts
from ..analytics.dashboard import today
from ..models import Bot
from . import audit, base
from .snippets import TOKEN_GOES_HERE, snippets, two_lines

blueprint = Blueprint("bots", __name__, url_prefix="/settings/bots")


@blueprint.get("")
@guard.requires_login(role="operator")
def show() -> str:
    """All of them, those that are retired last."""
    now = clock.now()
    found = sorted(bots.listed(), key=lambda bot: bot.retired_at is not None)
    return base.render("settings/bots.html", guard.reader(), rows=_rows(found, now), at=clock.iso(now))


@blueprint.get("/<name>")
@guard.requires_login(role="operator")
def one(name: str) -> str:
    """Its tokens, and what to paste to connect it."""
    return _page(bots.named(name))


@blueprint.post("/<name>/token")
@guard.requires_login(role="operator")
def add_token(name: str) -> tuple[str, int]:
    """One more ingest token, shown this once; the others go on until they are revoked."""
    bot = bots.named(name)
    token, secret = tokens.add("ingest", clock.now(), bot=bot, name="bot's page")
    audit.note(f"made the ingest token {token.id} of bot {bot.name}")
    return _page(bot, secret), 201


@blueprint.post("/<name>/tokens/<int:number>/revoke")
@guard.requires_login(role="operator")
def revoke_token(name: str, number: int) -> Response:
    """End one at once; safe to repeat."""
    tokens.revoke(tokens.named(str(number)), clock.now())
    audit.note(f"revoked the token {number}")
    return redirect(url_for("bots.one", name=name), 303)


@blueprint.post("/<name>/retire")
@guard.requires_login(role="operator")
def retire(name: str) -> Response:
    """Out of every list, its tokens ended; safe to repeat."""
    bots.retire(bots.named(name), clock.now())
    audit.note(f"retired bot {name}")
    return redirect(url_for("bots.show"), 303)


@blueprint.post("/<name>/bring-back")
@guard.requires_login(role="operator")
def bring_back(name: str) -> Response:
    """Into the lists again; it needs a new token."""
    bots.bring_back(bots.named(name))
    audit.note(f"brought bot {name} back")
    return redirect(url_for("bots.one", name=name), 303)


def _rows(found: list[Bot], now: int) -> list[dict[str, Any]]:
    states = {state.name: state for state in bot_states([bot.id for bot in found], now)}
    alive = Counter(token.bot_id for token in tokens.listed() if token.revoked_at is None)
    since_midnight = today(now, base.reader_zone())
    return [
        {
            "bot": bot,
            "state": states[bot.name],
            "messages": counts([bot.id], since_midnight).total,
            "tokens": alive[bot.id],
        }
        for bot in found
    ]


def _page(bot: Bot, secret: str | None = None) -> str:
    url, shown = base.collector_url(), secret or TOKEN_GOES_HERE
    return base.render(
        "settings/bot.html",
        guard.reader(),
        bot=bot,
        bot_tokens=_tokens(bot),
        token=secret,
        two_lines=two_lines(url, shown),
        snippets=snippets(url, shown),
        at=clock.iso(clock.now()),
    )


def _tokens(bot: Bot) -> list[dict[str, Any]]:
    own = [token for token in tokens.listed() if token.bot == bot and token.revoked_at is None]
    return [
        {
            "token": token,
            "made": clock.iso(token.created_at),
            "used": None if token.last_used_at is None else clock.iso(token.last_used_at),
        }
        for token in own
    ]
