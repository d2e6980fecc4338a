"""Adds new messages to the rollups, inside the transaction that stores them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import db, models
from .declared import MESSAGES, RESPONSES, USERS, Rollup, hour, minute
from .histogram import RESPONSE, WAIT, bucket_of


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

Rows = dict[tuple[Any, ...], list[int]]
Combine = Callable[[list[int], list[int]], None]


def apply(messages: Iterable[Counted]) -> None:
    """Count each message once; the caller has made sure that none was counted before."""
    minutes: Rows = defaultdict(lambda: [0] * len(_MESSAGE_SUMS))
    times: Rows = defaultdict(lambda: [0])
    users: Rows = {}
    people: dict[tuple[int, str], list[Any]] = {}
    for message in messages:
        at = minute(message.occurred_at)
        counts = minutes[message.bot_id, at]
        if message.direction == "in":
            counts[0] += 1
            if message.user_id is not None:
                _count_user(users, people, message)
            continue
        counts[1] += 1
        if message.response_ms is not None:
            counts[2] += 1
            counts[3] += message.response_ms
            times[message.bot_id, at, RESPONSE, bucket_of(message.response_ms)][0] += 1
        if message.wait_ms is not None:
            counts[4] += 1
            counts[5] += message.wait_ms
            times[message.bot_id, at, WAIT, bucket_of(message.wait_ms)][0] += 1
    for group, rows in zip(GROUPS, (minutes, times, users), strict=True):
        _write(group, group.rollups, rows)
    _write_people(people)


def fold(group: "Group", finest: Iterable[tuple[Any, ...]]) -> None:
    """Add rows of the finest rollup, keys and then values, to all the coarser ones."""
    width = len(group.keys)
    _write(group, group.rollups[1:], {row[:width]: [*row[width:]] for row in finest})


def _count_user(users: Rows, people: dict[tuple[int, str], list[Any]], message: Counted) -> None:
    assert message.user_id is not None
    at = message.occurred_at
    seen = users.setdefault((message.bot_id, hour(at), message.user_id), [0, at, at])
    seen[0] += 1
    seen[1] = min(seen[1], at)
    seen[2] = max(seen[2], at)
    person = people.setdefault((message.bot_id, message.user_id), [None, -1, at, at, 0])
    if message.user_name is not None and at >= person[1]:
        person[0], person[1] = message.user_name, at
    person[2] = min(person[2], at)
    person[3] = max(person[3], at)
    person[4] += 1


def _write(group: "Group", rollups: Sequence[Rollup], rows: Rows) -> None:
    """Write the finest rollup, then fold it into each coarser one."""
    for rollup in rollups:
        folded: Rows = {}
        for (bot_id, at, *rest), row in rows.items():
            key = (bot_id, rollup.bucket(at), *rest)
            if key in folded:
                group.combine(folded[key], row)
            else:
                folded[key] = row.copy()
        table = rollup.model._meta.table_name
        changes = ", ".join(f"{name} = {_merged(table, name)}" for name in group.values)
        db.insert_rows(
            rollup.model,
            group.keys + group.values,
            [(*key, *row) for key, row in folded.items()],
            f"ON CONFLICT ({', '.join(group.keys)}) DO UPDATE SET {changes}",
        )


def _merged(table: str, name: str) -> str:
    if name in ("first_at", "last_at"):
        new, old, wins = f"excluded.{name}", f"{table}.{name}", "<" if name == "first_at" else ">"
        return f"CASE WHEN {new} {wins} {old} THEN {new} ELSE {old} END"
    return f"{table}.{name} + excluded.{name}"


def _add(total: list[int], row: list[int]) -> None:
    for index, value in enumerate(row):
        total[index] += value


def _add_user(total: list[int], row: list[int]) -> None:
    total[0] += row[0]
    total[1] = min(total[1], row[1])
    total[2] = max(total[2], row[2])


@dataclass(frozen=True)
class Group:
    """Rollups of the same columns, finest first, and how a row is added to another."""

    rollups: tuple[Rollup, ...]
    keys: tuple[str, ...]
    values: tuple[str, ...]
    combine: Combine


GROUPS = (
    Group(MESSAGES, ("bot_id", "at"), _MESSAGE_SUMS, _add),
    Group(RESPONSES, ("bot_id", "at", "measure", "bucket"), ("times",), _add),
    Group(USERS, ("bot_id", "at", "user_id"), ("messages", "first_at", "last_at"), _add_user),
)


def _write_people(people: dict[tuple[int, str], list[Any]]) -> None:
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
