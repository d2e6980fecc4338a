"""What every page has around it: the menu, the account, and the zone its times are told in."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, g, render_template, request

from ..access import Reader, accounts
from ..models import Account
from .filters import FILTERS

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Page:
    """An entry of a menu. `keeps_bot` takes the chosen bot along; `role` is what it takes to see it."""

    path: str
    title: str
    keeps_bot: bool = False
    role: str = "viewer"


MENU = (
    Page("/monitoring", "Monitoring", keeps_bot=True),
    Page("/analytics", "Analytics", keeps_bot=True),
    Page("/first-run", "Set-up"),
)
SETTINGS = (
    Page("/settings", "Your account"),
    Page("/settings/tokens", "Tokens", role="operator"),
    Page("/settings/accounts", "Accounts", role="admin"),
)


def register(app: Flask) -> None:
    """Give the templates their filters and what stands around every page."""
    app.jinja_env.filters.update(FILTERS)
    app.context_processor(_around)


def render(template: str, reader: Reader, **values: Any) -> str:
    """A whole page for somebody who is logged in, with the bot switcher in its header."""
    names = [bot.name for bot in reader.bots()]
    return render_template(template, bot_names=names, chosen_bot=chosen_bot(), **values)


def chosen_bot() -> str | None:
    """The bot that the address names; None means all of them."""
    return request.args.get("bot") or None


def chosen_bots(reader: Reader) -> list[int]:
    """The ids of what the address asks for; raises NotFound for a bot that this reader may not see."""
    name = chosen_bot()
    return reader.bot_ids([name] if name else [])


def is_fragment() -> bool:
    """Whether htmx asks for a part of a page, to put it where it belongs."""
    return "HX-Request" in request.headers


def reader_zone() -> ZoneInfo:
    """The zone of the account if it chose one, else that of the browser, which a script told us."""
    account = _account()
    wanted = (account and account.time_zone) or request.cookies.get("tz", "")
    return ZoneInfo(wanted) if wanted in _known_zones() else _UTC


@cache
def _known_zones() -> frozenset[str]:
    """Only these are opened: a name comes from a cookie, and names a file."""
    return frozenset(available_timezones())


def _around() -> dict[str, Any]:
    """Asks no database: error pages need it too."""
    account = _account()
    return {
        "account": account,
        "pages_menu": MENU,
        "settings_menu": [page for page in SETTINGS if account and accounts.may(account, page.role)],
        "zone": reader_zone(),
        "zone_is_chosen": bool(account and account.time_zone),
    }


def _account() -> Account | None:
    reader: Reader | None = g.get("reader")
    return reader.account if reader else None
