"""What a bot was and for how long, from the heartbeats of its instances: exact to the millisecond.

At any time a bot is what it was called then: what the best of its instances was, and where none was up or
late, what the newest heartbeat says.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from .. import db
from ..clock import DAY, MINUTE
from ..models import Instance
from . import pinging
from .beats import limits_s
from .window import Window

Kind = Literal["up", "late", "down", "stopped", "unknown"]


_KEPT_MS = 10 * MINUTE
_UNDER_WAY_MS = 2 * MINUTE


class Run(NamedTuple):
    """From `start` up to `end` it was the same; unknown is before the first heartbeat."""

    start: int
    end: int
    kind: Kind


class _Beat(NamedTuple):
    """A heartbeat that no other followed in time, or the first of its instance."""

    bot_id: int
    instance_id: int
    id: int
    at: int
    interval_s: float
    stopping: bool
    next_at: int | None
    grace_s: float | None


class _Told(NamedTuple):
    """What one instance's heartbeat says of a stretch of time; the newer the beat, the more it counts."""

    start: int
    end: int
    kind: Kind
    beat: tuple[int, int]


def runs(bots: Sequence[int], window: Window) -> dict[int, list[Run]]:
    """The runs of each bot, oldest first, from the window's start to its end without a hole.

    What is past doesn't change any more, and is kept for the next who asks. Anew it costs some 15 ms for each
    instance and day: an index is read, and those heartbeats fetched after which something changed.
    """
    # A batch that came before this may be committed after it; it waits no longer than that.
    past = max((window.end - _UNDER_WAY_MS) // _KEPT_MS * _KEPT_MS, window.start)
    key = tuple(sorted(bots))
    before = _past(db.database.obj, key, window.start, past)
    after = _read(key, Window(past, window.end))
    return {bot: _joined([*before[bot], *after[bot]]) for bot in bots}


@lru_cache(maxsize=64)
def _past(_database: object, bots: tuple[int, ...], start: int, end: int) -> dict[int, list[Run]]:
    return _read(bots, Window(start, end)) if start < end else {bot: [] for bot in bots}


def _read(bots: Sequence[int], window: Window) -> dict[int, list[Run]]:
    """Jobs count where no process reports."""
    of_bot = _told(_processes(bots, window), window.end)
    without = [bot for bot in bots if bot not in of_bot]
    of_bot |= _told(_jobs(without, window), window.end)
    return {bot: _merged(of_bot.get(bot, []), window) for bot in bots}


def _told(beats: Iterable[_Beat], now: int) -> dict[int, list[list[_Told]]]:
    """By bot, what each of its instances tells."""
    found: dict[int, list[list[_Told]]] = defaultdict(list)
    for (bot_id, _), of_instance in groupby(beats, key=attrgetter("bot_id", "instance_id")):
        found[bot_id].append([one for one in _instance(list(of_instance), now) if one.start < one.end])
    return dict(found)


def _instance(beats: list[_Beat], now: int) -> Iterator[_Told]:
    for beat, later in pairwise([*beats, None]):
        assert beat is not None
        end = now if beat.next_at is None else beat.next_at
        yield from _after(beat, end)
        if later is not None:
            # What lies between two that were fetched came in time.
            yield _Told(end, later.at, "up", (later.at, later.id))


def _after(beat: _Beat, end: int) -> Iterator[_Told]:
    """What a heartbeat says of the time up to the next one."""
    own = (beat.at, beat.id)
    if beat.stopping:
        yield _Told(beat.at, end, "stopped", own)
        return
    late_s, down_s = limits_s(beat.interval_s, beat.grace_s)
    # At the limit itself it is still what it was before.
    late_at, down_at = beat.at + int(late_s * 1_000) + 1, beat.at + int(down_s * 1_000) + 1
    yield _Told(beat.at, min(late_at, end), "up", own)
    yield _Told(late_at, min(down_at, end), "late", own)
    yield _Told(down_at, end, "down", own)


def _merged(instances: list[list[_Told]], window: Window) -> list[Run]:
    """What all instances together tell of the window."""
    edges = {window.start, window.end}
    edges |= {edge for one in instances for told in one for edge in (told.start, told.end)}
    courses = [deque(one) for one in instances]
    stretches = pairwise(sorted(edge for edge in edges if window.start <= edge <= window.end))
    return _joined(Run(start, end, _best(_present(courses, start))) for start, end in stretches)


def _present(courses: list[deque[_Told]], at: int) -> list[_Told]:
    """What each instance tells of the time that begins there; earlier things are taken out."""
    for course in courses:
        while course and course[0].end <= at:
            course.popleft()
    return [course[0] for course in courses if course and course[0].start <= at]


def _joined(course: Iterable[Run]) -> list[Run]:
    """Neighbours that are alike become one."""
    made: list[Run] = []
    for run in course:
        if made and made[-1].kind == run.kind:
            made[-1] = Run(made[-1].start, run.end, run.kind)
        else:
            made.append(run)
    return made


def _best(present: list[_Told]) -> Kind:
    kinds = {one.kind for one in present}
    if "up" in kinds:
        return "up"
    if "late" in kinds:
        return "late"
    return max(present, key=attrgetter("beat")).kind if present else "unknown"


def _processes(bots: Sequence[int], window: Window) -> list[_Beat]:
    """Of the instances that can matter: seen in the day before the window or later, or the last before."""
    other, before = Instance.alias(), window.start - DAY
    last = other.select(other.id).where(
        other.bot_id == Instance.bot_id, pinging.is_process(other), other.last_seen_at <= before
    )
    last = last.order_by(other.last_seen_at.desc(), other.id.desc()).limit(1)
    matters = (Instance.last_seen_at > before) | (Instance.id == last)
    return _beats(bots, pinging.is_process(Instance) & matters, window, "NULL")


def _jobs(bots: Sequence[int], window: Window) -> list[_Beat]:
    return _beats(bots, pinging.is_job(Instance, bots), window, _GRACE[db.dialect()])


def _beats(bots: Sequence[int], which: Any, window: Window, grace: str) -> list[_Beat]:
    """By instance and time; from the last before the window on, so that its start is known as well."""
    ids = [one.id for one in Instance.select(Instance.id).where(Instance.bot_id.in_(bots), which)]
    of_bots = ", ".join(str(int(bot)) for bot in bots)
    # Numbers of ours and expressions from below; the instances are bound.
    sql = _BREAKS.format(bots=of_bots, start=window.start, end=window.end, grace=grace, keys="{keys}")
    return [_Beat(*row) for row in db.select_keys(sql, ids)]


_GRACE = {
    "sqlite": "json_extract(beat.details, '$.grace_s')",
    "postgresql": "CAST(beat.details ->> 'grace_s' AS double precision)",
}

# The last condition is what beats.limits_s says of silence.
_BREAKS = """
WITH shown AS MATERIALIZED (
    SELECT bot_id, id AS instance_id, COALESCE((
        SELECT MAX(received_at) FROM heartbeat AS earlier
        WHERE earlier.bot_id = instance.bot_id AND earlier.instance_id = instance.id
            AND earlier.received_at < {start}
    ), {start}) AS since
    FROM instance WHERE bot_id IN ({bots}) AND id IN ({keys})
), told AS (
    SELECT beat.bot_id, beat.instance_id, beat.id, beat.received_at, beat.interval_s, beat.stopping,
        {grace} AS grace_s, LEAD(beat.received_at) OVER course AS next_at,
        LAG(beat.received_at) OVER course AS before_at
    FROM shown JOIN heartbeat AS beat ON beat.bot_id = shown.bot_id AND beat.instance_id = shown.instance_id
    WHERE beat.received_at >= shown.since AND beat.received_at <= {end}
    WINDOW course AS (PARTITION BY beat.bot_id, beat.instance_id ORDER BY beat.received_at, beat.id)
)
SELECT bot_id, instance_id, id, received_at, interval_s, stopping, next_at, grace_s FROM told
WHERE before_at IS NULL OR next_at IS NULL OR stopping OR grace_s IS NOT NULL
    OR (next_at - received_at > 10000 AND next_at - received_at > 2000 * interval_s)
ORDER BY 1, 2, 4, 3
"""
