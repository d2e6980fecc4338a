"""Adds messages to the rollups, or leaves who wrote them to `keeping_up`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from .. import db, models
from ..clock import HOUR, MINUTE
from .declared import HISTOGRAMS, MESSAGES, USERS, Rollup
from .histogram import RESPONSE, WAIT, added, packed_time, unpacked


class Counted(NamedTuple):
    """What the rollups need to know of a message."""

    bot_id: int
    occurred_at: int
    direction: str
    user_id: str | None
    user_name: str | None
    response_ms: int | None
    wait_ms: int | None


_MESSAGE_SUMS = (
    "messages_in",
    "messages_out",
    "response_count",
    "response_sum_ms",
    "wait_count",
    "wait_sum_ms",
)

USER_KEYS = ("bot_id", "at", "user_id")
USER_VALUES = ("messages", "first_at", "last_at", "user_name", "named_at")
_UNNAMED = -1

# When the new value of a column takes the place of the old one.
_NEWER = {
    "first_at": "excluded.first_at < {table}.first_at",
    "last_at": "excluded.last_at > {table}.last_at",
    "user_name": "excluded.named_at >= {table}.named_at AND excluded.named_at >= 0",
    "named_at": "excluded.named_at > {table}.named_at",
}

CountedRow = tuple[int, int, str, str | None, str | None, int | None, int | None]
Rows = dict[tuple[Any, ...], list[Any]]
Tuples = list[tuple[Any, ...]]
Names = tuple[str, ...]
Combine = Callable[[list[Any], list[Any]], None]
Prepare = Callable[[Sequence[Rollup], list[Tuples]], list[Tuples]]


def apply(messages: Iterable[CountedRow], *, leaves_users: bool = False) -> None:
    """Count each message once; the caller has made sure that none was counted before.

    With `leaves_users`, who wrote them waits for others to count, in one table instead of five.
    """
    rows = list(messages)
    minutes, times = _count_messages(rows)
    _write(MESSAGE_COUNTS, minutes)
    _write(TIMES, times)
    users = _count_users(rows)
    if leaves_users:
        _add_rows(models.UserWaiting, USER_KEYS, USER_VALUES, [(*key, *row) for key, row in users.items()])
    else:
        apply_users(users)


def apply_users(users: Rows) -> None:
    """Count these users of hours: USER_KEYS, and of each USER_VALUES."""
    _write(USER_COUNTS, {key: row[:3] for key, row in users.items()})
    people: Rows = {}
    for (bot_id, _, user_id), row in users.items():
        person = people.get((bot_id, user_id))
        if person is None:
            people[bot_id, user_id] = row
        else:
            _add_person(person, row)
    _add_rows(
        models.BotUser, ("bot_id", "user_id"), USER_VALUES, [(*key, *row) for key, row in people.items()]
    )


def fold(group: "Group", finest: Iterable[tuple[Any, ...]]) -> None:
    """Add rows of the finest rollup, keys and then values, to all the coarser ones."""
    width = len(group.keys)
    _write(group, {row[:width]: [*row[width:]] for row in finest}, coarser_only=True)


def _count_messages(messages: Sequence[CountedRow]) -> tuple[Rows, Rows]:
    """By minute, and the histograms of their times."""
    minutes: Rows = defaultdict(lambda: [0] * len(_MESSAGE_SUMS))
    times: dict[tuple[int, int], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for bot_id, occurred_at, direction, _, _, response_ms, wait_ms in messages:
        at = occurred_at - occurred_at % MINUTE
        counts = minutes[bot_id, at]
        if direction == "in":
            counts[0] += 1
            continue
        counts[1] += 1
        if response_ms is not None:
            counts[2] += 1
            counts[3] += response_ms
            times[bot_id, at][0].append(packed_time(response_ms))
        if wait_ms is not None:
            counts[4] += 1
            counts[5] += wait_ms
            times[bot_id, at][1].append(packed_time(wait_ms))
    return minutes, {key: ["".join(texts) for texts in both] for key, both in times.items()}


def _count_users(messages: Sequence[CountedRow]) -> Rows:
    """By hour and user."""
    users: Rows = {}
    for bot_id, at, direction, user_id, user_name, _, _ in messages:
        if direction != "in" or user_id is None:
            continue
        key = (bot_id, at - at % HOUR, user_id)
        seen = users.get(key)
        if seen is None:
            users[key] = seen = [1, at, at, None, _UNNAMED]
        else:
            seen[0] += 1
            if at > seen[2]:
                seen[2] = at
            elif at < seen[1]:
                seen[1] = at
        if user_name is not None and at >= seen[4]:
            seen[3], seen[4] = user_name, at
    return users


def _write(group: "Group", rows: Rows, *, coarser_only: bool = False) -> None:
    """Write rows of the finest rollup, and folded into each coarser one."""
    if not rows:
        return
    rollups = group.rollups[1:] if coarser_only else group.rollups
    times = {key[1] for key in rows}
    folded = [_folded(group, {at: rollup.bucket(at) for at in times}, rows) for rollup in rollups]
    for rollup, values in zip(rollups, group.prepare(rollups, folded), strict=True):
        _add_rows(rollup.model, group.keys, group.values, values)


def _add_rows(model: type[models.Table], keys: Names, values: Names, rows: Tuples) -> None:
    """Add each row to the one of its key, if there is one."""
    table = model._meta.table_name
    changes = ", ".join(f"{name} = {_merged(table, name)}" for name in values)
    db.insert_rows(model, keys + values, rows, f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}")


def _folded(group: "Group", buckets: Mapping[int, int], rows: Rows) -> Tuples:
    """The rows of these buckets."""
    if len(set(buckets.values())) == len(buckets):
        return [(key[0], buckets[key[1]], *key[2:], *row) for key, row in rows.items()]
    folded: Rows = {}
    for (bot_id, at, *others), row in rows.items():
        key = (bot_id, buckets[at], *others)
        if key in folded:
            group.combine(folded[key], row)
        else:
            folded[key] = row.copy()
    return [(*key, *row) for key, row in folded.items()]


def _with_stored(rollups: Sequence[Rollup], folded: list[Tuples]) -> list[Tuples]:
    """Histograms with what is stored of their buckets; nobody else writes them meanwhile."""
    stored = _stored(rollups, folded)
    # What came in a minute is most often all that came in its hour, day and month.
    unpack = cache(unpacked)
    return [
        [
            (bot, at, *map(added, stored.get((place, bot, at), ("", "")), map(unpack, texts)))
            for bot, at, *texts in rows
        ]
        for place, rows in enumerate(folded)
    ]


def _stored(rollups: Sequence[Rollup], folded: list[Tuples]) -> dict[tuple[int, int, int], tuple[str, str]]:
    """The packed histograms by place of the rollup, bot and time.

    In one statement: asking a server takes longer than what it looks up. Of several bots it may read some
    rows too many.
    """
    parts, parameters = [], []
    for place, (rollup, rows) in enumerate(zip(rollups, folded, strict=True)):
        is_bot, bots = db.among("bot_id", {row[0] for row in rows})
        is_time, times = db.among("at", {row[1] for row in rows})
        columns, table = f"{place}, bot_id, at, {RESPONSE}, {WAIT}", rollup.model._meta.table_name
        parts.append(f"SELECT {columns} FROM {table} WHERE {is_bot} AND {is_time}")  # noqa: S608 - own names
        parameters += [bots, times]
    rows = db.database.execute_sql(" UNION ALL ".join(parts), parameters).fetchall()
    return {(place, bot, at): (response, wait) for place, bot, at, response, wait in rows}


def _merged(table: str, name: str) -> str:
    if name in (RESPONSE, WAIT):
        return f"excluded.{name}"
    new, old = f"excluded.{name}", f"{table}.{name}"
    if name in _NEWER:
        wins = _NEWER[name].format(table=table)
        return f"CASE WHEN {wins} THEN {new} ELSE {old} END"
    return f"{old} + {new}"


def _add(total: list[Any], row: list[Any]) -> None:
    for index, value in enumerate(row):
        total[index] += value


def _add_user(total: list[Any], row: list[Any]) -> None:
    total[0] += row[0]
    total[1] = min(total[1], row[1])
    total[2] = max(total[2], row[2])


def _add_person(total: list[Any], row: list[Any]) -> None:
    _add_user(total, row)
    if row[4] > total[4]:
        total[3:] = row[3:]


@dataclass(frozen=True)
class Group:
    """Rollups of the same columns, finest first, and how a row is added to another.

    `prepare` makes of the rows of each rollup what its statement can add.
    """

    rollups: tuple[Rollup, ...]
    keys: tuple[str, ...]
    values: tuple[str, ...]
    combine: Combine
    prepare: Prepare = lambda _, folded: folded


MESSAGE_COUNTS = Group(MESSAGES, ("bot_id", "at"), _MESSAGE_SUMS, _add)
TIMES = Group(HISTOGRAMS, ("bot_id", "at"), (RESPONSE, WAIT), _add, _with_stored)
USER_COUNTS = Group(USERS, USER_KEYS, USER_VALUES[:3], _add_user)
GROUPS = (MESSAGE_COUNTS, TIMES, USER_COUNTS)
