"""Adds new messages to the rollups, inside the transaction that stores them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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

CountedRow = tuple[int, int, str, str | None, str | None, int | None, int | None]
Rows = dict[tuple[Any, ...], list[Any]]
Tuples = list[tuple[Any, ...]]
People = dict[tuple[int, str], list[Any]]
Combine = Callable[[list[Any], list[Any]], None]
Prepare = Callable[[Sequence[Rollup], list[Tuples]], list[Tuples]]


def apply(messages: Iterable[CountedRow]) -> None:
    """Count each message once; the caller has made sure that none was counted before."""
    rows = list(messages)
    minutes, times = _count_messages(rows)
    users, people = _count_users(rows)
    for group, counted in zip(GROUPS, (minutes, times, users), strict=True):
        _write(group, group.rollups, counted)
    _write_people(people)


def fold(group: "Group", finest: Iterable[tuple[Any, ...]]) -> None:
    """Add rows of the finest rollup, keys and then values, to all the coarser ones."""
    width = len(group.keys)
    _write(group, group.rollups[1:], {row[:width]: [*row[width:]] for row in finest})


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


def _count_users(messages: Sequence[CountedRow]) -> tuple[Rows, People]:
    """By hour and user, and what is known of each user."""
    users: Rows = {}
    people: People = {}
    for bot_id, at, direction, user_id, user_name, _, _ in messages:
        if direction != "in" or user_id is None:
            continue
        key = (bot_id, at - at % HOUR, user_id)
        seen = users.get(key)
        if seen is None:
            users[key] = [1, at, at]
        else:
            seen[0] += 1
            _widen(seen, 1, at)
        person = people.get((bot_id, user_id))
        if person is None:
            people[bot_id, user_id] = person = [None, -1, at, at, 1]
        else:
            person[4] += 1
            _widen(person, 2, at)
        if user_name is not None and at >= person[1]:
            person[0], person[1] = user_name, at
    return users, people


def _widen(row: list[Any], place: int, at: int) -> None:
    """Let the span that stands there begin and end no later and no earlier than `at`."""
    if at > row[place + 1]:
        row[place + 1] = at
    elif at < row[place]:
        row[place] = at


def _write(group: "Group", rollups: Sequence[Rollup], rows: Rows) -> None:
    """Write the finest rollup, and that folded into each coarser one."""
    if not rows:
        return
    times = {key[1] for key in rows}
    folded = [_folded(group, {at: rollup.bucket(at) for at in times}, rows) for rollup in rollups]
    for rollup, values in zip(rollups, group.prepare(rollups, folded), strict=True):
        table = rollup.model._meta.table_name
        changes = ", ".join(f"{name} = {_merged(table, name)}" for name in group.values)
        db.insert_rows(
            rollup.model,
            group.keys + group.values,
            values,
            f"ON CONFLICT ({', '.join(group.keys)}) DO UPDATE SET {changes}",
        )


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
    return [
        [(bot, at, *map(_added, stored.get((place, bot, at), ("", "")), texts)) for bot, at, *texts in rows]
        for place, rows in enumerate(folded)
    ]


def _added(stored: str, new: str) -> str:
    return added(stored, unpacked(new))


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
    if name in ("first_at", "last_at"):
        new, old, wins = f"excluded.{name}", f"{table}.{name}", "<" if name == "first_at" else ">"
        return f"CASE WHEN {new} {wins} {old} THEN {new} ELSE {old} END"
    return f"{table}.{name} + excluded.{name}"


def _add(total: list[Any], row: list[Any]) -> None:
    for index, value in enumerate(row):
        total[index] += value


def _add_user(total: list[int], row: list[int]) -> None:
    total[0] += row[0]
    total[1] = min(total[1], row[1])
    total[2] = max(total[2], row[2])


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


GROUPS = (
    Group(MESSAGES, ("bot_id", "at"), _MESSAGE_SUMS, _add),
    Group(HISTOGRAMS, ("bot_id", "at"), (RESPONSE, WAIT), _add, _with_stored),
    Group(USERS, ("bot_id", "at", "user_id"), ("messages", "first_at", "last_at"), _add_user),
)


def _write_people(people: People) -> None:
    db.insert_rows(
        models.BotUser,
        ("bot_id", "user_id", "user_name", "named_at", "first_at", "last_at", "messages"),
        [(*key, *person) for key, person in people.items()],
        """ON CONFLICT (bot_id, user_id) DO UPDATE SET
        user_name = CASE WHEN excluded.named_at >= bot_user.named_at AND excluded.named_at >= 0
            THEN excluded.user_name ELSE bot_user.user_name END,
        named_at = CASE WHEN excluded.named_at > bot_user.named_at
            THEN excluded.named_at ELSE bot_user.named_at END,
        first_at = CASE WHEN excluded.first_at < bot_user.first_at
            THEN excluded.first_at ELSE bot_user.first_at END,
        last_at = CASE WHEN excluded.last_at > bot_user.last_at
            THEN excluded.last_at ELSE bot_user.last_at END,
        messages = bot_user.messages + excluded.messages""",
    )
