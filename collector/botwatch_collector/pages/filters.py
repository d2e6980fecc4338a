"""How the pages write numbers, times and other people's words: Jinja filters, each a pure function."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from .marks import marked

NOTHING = "\u2013"
"""Stands where there is no figure: nothing measured is not zero."""

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3_600, 86_400

# C0 and C1 controls except tab and newline, line separators, and everything that changes the direction of the
# text around it or can't be seen. The joiners U+200C and U+200D stay: emoji and several scripts need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)

# A browser would take these parts of a path for something else: none at all, "." and "..".
_LOST_IN_A_PATH = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)")


def harmless(text: object) -> str:
    """Other people's text with everything invisible made visible, as `[U+202E]`.

    Escaping is Jinja's work; this keeps a name from reordering or hiding what stands next to it. The same
    rule, for messages that arrive live, is in `web/static/js/harmless.js`.
    """
    return _UNSAFE.sub(lambda found: f"[U+{ord(found.group()):04X}]", str(text))


def user_path(user_id: str, bot: str | None = None) -> str:
    """The address of the page about somebody, whatever their id is made of; of one bot or of all.

    The same for messages that arrive live is in `web/static/js/user_path.js`.
    """
    is_lost = bool(_LOST_IN_A_PATH.search(user_id))
    asked = ({"id": user_id} if is_lost else {}) | ({"bot": bot} if bot else {})
    path = "/users" if is_lost else f"/users/{quote(user_id)}"
    return f"{path}?{urlencode(asked)}" if asked else path


def shortened(text: str, most: int = 600) -> str:
    """The beginning of a long text, with a sign that there is more."""
    return text if len(text) <= most else text[:most].rstrip() + " …"


def number(value: float | None) -> str:
    """`12,345`; from a million on, `1.23 M`."""
    if value is None:
        return NOTHING
    if abs(value) >= 999_995_000:
        return f"{value / 1e9:.2f} G"
    if abs(value) >= 1_000_000:
        return f"{value / 1e6:.2f} M"
    return f"{round(value):,}"


def rate(value: float | None) -> str:
    """A figure whose fractions matter while it is small: `0.3`, `12.5`, `48,000`."""
    if value is None:
        return NOTHING
    return number(value) if abs(value) >= 100 or value == 0 else f"{value:.1f}"


def in_bytes(count: float) -> str:
    """`820 kB`, `1.2 GB`: thousands, as disks are sold."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(count) >= 0.9995 * size:
            amount = count / size
            return f"{amount:.0f} {unit}" if abs(amount) >= 100 else f"{amount:.1f} {unit}"
    return f"{count:.0f} B"


def milliseconds(value: float | None) -> str:
    """A time in ms, in the unit a person would say: `820 ms`, `1.24 s`, `2 min 5 s`."""
    if value is None:
        return NOTHING
    if 0 < value < 1:
        return "<1 ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    if value < 9_995:
        return f"{value / 1000:.2f} s"
    if value < 59_950:
        return f"{value / 1000:.1f} s"
    return duration(value / 1000)


def duration(seconds: float | None) -> str:
    """The two largest units of a length of time: `3 d 4 h`, `5 min`, `42 s`."""
    if seconds is None:
        return NOTHING
    left = max(0, round(seconds))
    parts = []
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (_SECOND, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


def relative(at: str | None, now: str) -> str:
    """`5 minutes ago`, as the browser's script words it too."""
    if at is None:
        return "never"
    seconds = round((moment_of(now) - moment_of(at)).total_seconds())
    if seconds < 5:
        return "just now"
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (_SECOND, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def clock(at: str, zone: ZoneInfo) -> str:
    """The time of day in the reader's zone, `14:05:09`."""
    return f"{moment_of(at).astimezone(zone):%H:%M:%S}"


def hour(at: str, zone: ZoneInfo) -> str:
    """The hour in the reader's zone, `14:00`."""
    return f"{moment_of(at).astimezone(zone):%H:%M}"


def day(value: date) -> str:
    """A calendar day, `24 Nov 2026`."""
    return f"{value.day} {value:%b %Y}"


def bucket(at: str, name: str, zone: ZoneInfo) -> str:
    """A step of a chart, `24 Nov, 14:00`, `24 Nov 2026`, `week of 23 Nov 2026`, `Nov 2026`."""
    local = moment_of(at).astimezone(zone)
    if name in ("minute", "hour"):
        return f"{local.day} {local:%b, %H:%M}"
    if name == "month":
        return f"{local:%b %Y}"
    return f"{'week of ' if name == 'week' else ''}{day(local)}"


def moment(at: str, zone: ZoneInfo) -> str:
    """The full date and time in the reader's zone."""
    return f"{moment_of(at).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def slot_time(start: str, end: str | None, zone: ZoneInfo, with_day: bool) -> str:
    """A stretch of time, `14:00 to 14:30`; of another day with it, as `24 Nov, 14:00 to 17:00`."""
    local = moment_of(start).astimezone(zone)
    told = f"{local.day} {local:%b, %H:%M}" if with_day else f"{local:%H:%M}"
    return f"since {told}" if end is None else f"{told} to {hour(end, zone)}"


def slot_words(slot: Mapping[str, Any]) -> str:
    """What was in a slot of a bar of heartbeats: `up`, or `up 26 min, down 4 min`."""
    parts = {kind: slot[f"{kind}_s"] for kind in ("up", "late", "down", "stopped") if slot[f"{kind}_s"]}
    if len(parts) == 1 and sum(parts.values()) >= _length_s(slot) - 1:
        return next(iter(parts))
    return ", ".join(f"{kind} {duration(spent)}" for kind, spent in parts.items()) or "nothing known"


def share(value: float | None) -> str:
    """A part in per cent; never rounded up to a hundred: `99.98 %`."""
    if value is None:
        return NOTHING
    return "100 %" if value == 100 else f"{int(value * 100) / 100:.2f} %"


def change(now: float | None, before: float | None) -> float | None:
    """Change in per cent; None where there is nothing to compare with."""
    if now is None or not before:
        return None
    return (now - before) * 100 / before


def percent(value: float) -> str:
    """A change with its sign, `+12 %`; a tenfold one as `x 12`."""
    if value >= 900:
        return f"\u00d7{value / 100 + 1:.0f}"
    if abs(value) < 0.5:
        return "±0 %"
    return f"{value:+.0f} %".replace("-", "\u2212")


class Fact(NamedTuple):
    """A detail as a person reads it."""

    name: str
    value: str


def fact(value: Any, key: str) -> Fact:
    """A detail of diagnostics under the name of its key, in the unit that the name ends with."""
    for ending, tell in _UNITS.items():
        if key.endswith(ending) and (value is None or isinstance(value, int | float)):
            return Fact(key.removesuffix(ending).replace("_", " "), tell(value))
    return Fact(key.replace("_", " "), _plain(value))


def sparkline(values: Sequence[float | None], width: int = 120, height: int = 28) -> str:
    """The `points` of an SVG polyline; the line starts at zero, so that its height can be compared."""
    readings = [value or 0 for value in values]
    if len(readings) < 2:
        return ""
    highest = max(readings) or 1
    step = width / (len(readings) - 1)
    return " ".join(
        f"{index * step:.1f},{height - 2 - reading / highest * (height - 4):.1f}"
        for index, reading in enumerate(readings)
    )


def _length_s(slot: Mapping[str, Any]) -> float:
    return (moment_of(slot["end"]) - moment_of(slot["at"])).total_seconds()


def _plain(value: Any) -> str:
    if value is None or value in ({}, []):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{amount} {name}" for name, amount in value.items())
    return str(value)


def _with_unit(unit: str) -> Callable[[float | None], str]:
    return lambda value: NOTHING if value is None else f"{number(value)} {unit}"


_UNITS: dict[str, Callable[[float | None], str]] = {
    "_ms": milliseconds,
    "_s": duration,
    "_mb": _with_unit("MB"),
    "_percent": _with_unit("%"),
}


def moment_of(at: str) -> datetime:
    """A time as answers tell it."""
    return datetime.fromisoformat(at).astimezone(UTC)


FILTERS: dict[str, Callable[..., Any]] = {
    "bucket": bucket,
    "bytes": in_bytes,
    "change": change,
    "clock": clock,
    "day": day,
    "duration": duration,
    "fact": fact,
    "harmless": harmless,
    "hour": hour,
    "marked": marked,
    "milliseconds": milliseconds,
    "moment": moment,
    "number": number,
    "percent": percent,
    "rate": rate,
    "relative": relative,
    "share": share,
    "shortened": shortened,
    "slot_time": slot_time,
    "slot_words": slot_words,
    "sparkline": sparkline,
    "user_path": user_path,
}
