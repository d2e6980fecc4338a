"""All that the Monitoring page shows, but the messages of its feed."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec

from ..clock import DAY, HOUR, MINUTE, iso
from .bots import BotState, bot_states
from .calendar import Calendar, calendar
from .counts import Counts, counts, counts_by
from .health import Health, health
from .people import users, users_by
from .times import Times, response_times, wait_times
from .troubles import ErrorKind, Hang, errors, hangs
from .window import Window

ACTIVE_NOW_MS = 30 * MINUTE
_HOURS = 24
_DAYS = 7


class Hour(msgspec.Struct, frozen=True):
    """Messages of one hour."""

    at: str
    received: int = msgspec.field(name="in")
    sent: int = msgspec.field(name="out")


class Volume(msgspec.Struct, frozen=True):
    """Totals of the 24 hours up to now and the 24 before; `hours` are clock hours, the last still open."""

    last_24h: int
    previous_24h: int
    hours: list[Hour]
    previous_hours: list[Hour]


class UsersOfDay(msgspec.Struct, frozen=True):
    """People who wrote on one day of the zone."""

    at: str
    users: int


class ActiveUsers(msgspec.Struct, frozen=True):
    """`now` is the last 30 minutes, `today` since midnight in the zone, `days` end with today."""

    now: int
    today: int
    days: list[UsersOfDay]


class Dashboard(msgspec.Struct, frozen=True):
    """Times are those of the last 24 hours. `uptime_s` is that of the instance that is up longest."""

    at: str
    health: Health
    uptime_s: float | None
    bots: list[BotState]
    messages: Volume
    users: ActiveUsers
    response_ms: Times
    wait_ms: Times
    errors: list[ErrorKind]
    hangs: list[Hang]


def dashboard(bots: Sequence[int], now: int, zone: ZoneInfo) -> Dashboard:
    """The page's figures as of `now`."""
    states = bot_states(bots, now)
    last, before = Window(now - DAY, now), Window(now - 2 * DAY, now - DAY)
    here, there = counts(bots, last), counts(bots, before)
    hours = _hours(bots, now, zone)
    return Dashboard(
        at=iso(now),
        health=health(states, now),
        uptime_s=max((bot.uptime_s for bot in states if bot.uptime_s is not None), default=None),
        bots=states,
        messages=Volume(here.total, there.total, hours[_HOURS:], hours[:_HOURS]),
        users=_users(bots, now, zone),
        response_ms=response_times(bots, last, here, there),
        wait_ms=wait_times(bots, last, here, there),
        errors=errors(bots, now),
        hangs=hangs(bots, states, now),
    )


def today(now: int, zone: ZoneInfo) -> Window:
    """Since midnight in the zone."""
    days = calendar("day", zone, Window(now, now + 1))
    return Window(days.start(days.key(now)), now)


def this_week(now: int, zone: ZoneInfo) -> Window:
    """Since Monday, midnight in the zone."""
    weeks = calendar("week", zone, Window(now, now + 1))
    return Window(weeks.start(weeks.key(now)), now)


def _hours(bots: Sequence[int], now: int, zone: ZoneInfo) -> list[Hour]:
    """Two days of clock hours, those without messages too."""
    window = Window(now - (2 * _HOURS + 1) * HOUR, now)
    hours = calendar("hour", zone, window)
    found = counts_by(bots, window, hours.grid, hours.key_sql)
    keys = _last_keys(hours, now, 2 * _HOURS)
    none = Counts()
    return [
        Hour(iso(hours.start(key)), found.get(key, none).messages_in, found.get(key, none).messages_out)
        for key in keys
    ]


def _users(bots: Sequence[int], now: int, zone: ZoneInfo) -> ActiveUsers:
    window = Window(now - (_DAYS + 1) * DAY, now)
    days = calendar("day", zone, window)
    found = users_by(bots, window, "day", days, counts_by(bots, window, days.grid, days.key_sql))
    per_day = [UsersOfDay(iso(days.start(key)), found.get(key, 0)) for key in _last_keys(days, now, _DAYS)]
    return ActiveUsers(users(bots, Window(now - ACTIVE_NOW_MS, now)), per_day[-1].users, per_day)


def _last_keys(buckets: Calendar, now: int, count: int) -> list[int]:
    """The bucket of now and those before it, oldest first."""
    keys = [buckets.key(now)]
    while len(keys) < count:
        keys.insert(0, buckets.key(buckets.start(keys[0]) - 1))
    return keys
