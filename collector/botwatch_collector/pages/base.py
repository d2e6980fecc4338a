"""What every page has around it: the menu, the account, and the zone its times are told in."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, current_app, g, render_template, request

from ..access import Reader, accounts
from ..config import Config
from ..models import Account
from . import periods
from .filters import FILTERS
from .periods import Period

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Page:
    """An entry of a menu.

    `keeps` are the parameters of the address that go along to it; `role` is what it takes to see it; `key`
    leads to it after a `g`.
    """

    path: str
    title: str
    keeps: tuple[str, ...] = ()
    role: str = "viewer"
    key: str = ""

    def address(self) -> str:
        """With what this page's address has of its parameters."""
        return _address(self.path, [(name, value) for name, value in _asked() if name in self.keeps])


_BOT = ("bot",)
# A place in a list belongs to what was asked when the list began.
_PLACES = ("users_after", "cursor", "before", "after")


MENU = (
    Page("/monitoring", "Monitoring", keeps=_BOT, key="m"),
    Page("/analytics", "Analytics", keeps=_BOT + periods.PARAMETERS, key="a"),
    Page("/alerts", "Alerts", keeps=_BOT, key="l"),
    Page("/messages", "Messages", keeps=(*_BOT, "range", "from", "to", "tz"), key="e"),
    Page("/system", "System", key="y"),
    Page("/first-run", "Set-up", key="s"),
)
FOOT = (
    Page("/api/docs", "API", key="d"),
    Page("/prometheus", "Prometheus and Grafana", key="p"),
)
SETTINGS = (
    Page("/settings", "Your account"),
    Page("/settings/bots", "Bots", role="operator"),
    Page("/settings/tokens", "Tokens", role="operator"),
    Page("/settings/accounts", "Accounts", role="admin"),
)


def register(app: Flask) -> None:
    """Give the templates their filters and what stands around every page."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(here=here, asked_besides=asked_besides)
    app.context_processor(_around)


def render(template: str, reader: Reader, **values: Any) -> str:
    """A whole page for somebody who is logged in, with the bot switcher in its header."""
    names = [bot.name for bot in reader.bots()]
    return render_template(template, bot_names=names, chosen_bot=chosen_bot(), **values)


def here(**changes: str | None) -> str:
    """The address of this page with these parameters instead of its own; None takes one away."""
    kept = [(name, value) for name, value in _asked() if name not in changes and name not in _PLACES]
    return _address(request.path, [*kept, *((name, value) for name, value in changes.items() if value)])


def asked_besides(*names: str) -> list[tuple[str, str]]:
    """The parameters that a form of this page has to send along."""
    return [(name, value) for name, value in _asked() if name not in names and name not in _PLACES]


def collector_url() -> str:
    """The address that people and bots use, without a slash at its end."""
    config: Config = current_app.config["BOTWATCH"]
    return config.public_url or request.url_root.rstrip("/")


def bucket_choices(period: Period) -> list[tuple[str, str, bool]]:
    """How long the steps of this page's chart may be, as links."""
    return [(name.capitalize(), here(bucket=name), name == period.bucket) for name in period.buckets]


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
    """That of the address, so that a link shows everyone the same days; else the one that the account chose;
    else that of the browser, which a script told us.
    """
    for wanted in (_asked_zone(), _chosen_zone(), request.cookies.get("tz")):
        if wanted in _known_zones():
            return ZoneInfo(wanted)
    return _UTC


def _asked_zone() -> str | None:
    zone = request.args.get("tz")
    return zone if zone in _known_zones() else None


def _chosen_zone() -> str | None:
    account = _account()
    return account.time_zone if account else None


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
        "foot_menu": FOOT,
        "keyed_pages": [page for page in (*MENU, *FOOT) if page.key],
        "settings_menu": [page for page in SETTINGS if account and accounts.may(account, page.role)],
        "zone": reader_zone(),
        "zone_is_chosen": bool(_asked_zone() or _chosen_zone()),
    }


def _asked() -> list[tuple[str, str]]:
    return [(name, value) for name, values in request.args.lists() for value in values]


def _address(path: str, parameters: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _account() -> Account | None:
    reader: Reader | None = g.get("reader")
    return reader.account if reader else None
