"""Stores batches: rows, what is counted at once, and the watermark in one transaction, each event once.

An agent's event is known by its instance and `seq`: what is at or below the instance's watermark is stored
already. A client's own `id` is remembered in a table. An event with both is stored only if both are new.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from .. import counters, db, message_index, models, presence, rollups
from ..config import Timeouts
from . import instances
from .instances import Instance, Key
from .wire import Activity, Batch, CheckResult, Event, Heartbeat, Message, Presence, Sample

_encode = msgspec.json.Encoder().encode

_HEARTBEAT_DETAILS = (
    "grace_s",
    "version",
    "agent",
    "python",
    "platform",
    "started_at",
    "sent",
    "sent_per_s",
    "errors",
    "cpu_s",
    "spool",
    "losses",
    "checks",
)


@dataclass(frozen=True)
class Incoming:
    """A batch that a token of `bot_id` sent, and when it came."""

    bot_id: int
    batch: Batch
    received_at: int


@dataclass(frozen=True)
class Outcome:
    """What became of one batch; `stored` and `duplicates` add up to its events."""

    stored: int
    duplicates: int


@dataclass
class _Group:
    """What one transaction is going to write."""

    next_id: int
    waiting: int
    instances: Mapping[Key, Instance] = field(default_factory=dict)
    known_ids: set[tuple[int, str]] = field(default_factory=set)
    rows: dict[type[Event], list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    new_ids: list[tuple[int, str, int]] = field(default_factory=list)


def store(
    incoming: Sequence[Incoming],
    timeouts: Timeouts | None = None,
    others: Callable[[], Sequence[Incoming]] = tuple,
) -> list[Outcome]:
    """Store every batch or, when an exception comes out, none of them. Safe to repeat.

    `others` are asked for when it is this one's turn to write, and stored after them: what has come since.
    What is counted of them goes into the same transaction, with what else waits to be written.
    """
    with counters.carried() as waiting, db.writing():
        models.EventSequence.take_turn()
        incoming = [*incoming, *others()]
        group = _Group(*_reserve(incoming))
        group.instances = instances.find_or_add(
            (one.bot_id, one.batch.header, one.received_at) for one in incoming
        )
        group.known_ids = _known_ids(incoming)
        outcomes = [_sort_out(one, group) for one in incoming]
        _write(group, timeouts or Timeouts())
        counters.write(waiting | _counts(group, outcomes))
        db.announce()
    rollups.help_out(group.waiting)
    return outcomes


def _reserve(incoming: Sequence[Incoming]) -> models.Reserved:
    ids = sum(map(_ids_for, incoming))
    return models.EventSequence.reserve_for_messages(ids, counts=rollups.counts_itself(ids))


def probe() -> None:
    """Write as a batch would be written; raises what that would raise. Costs an id."""
    with db.writing(patience_s=1):
        models.EventSequence.reserve(1)


def _ids_for(one: Incoming) -> int:
    """A presence may be told twice, as a status and as typing."""
    events = one.batch.events
    return len(events) + (presence.FRAMES - 1) * sum(type(event) is Presence for event in events)


def _counts(group: _Group, outcomes: Sequence[Outcome]) -> counters.Deltas:
    known = sum(outcome.stored == 0 < outcome.duplicates for outcome in outcomes)
    counts = {
        counters.key("botwatch_ingest_events_total", kind=str(kind.__struct_config__.tag)): len(rows)
        for kind, rows in group.rows.items()
    }
    counts |= {
        counters.key("botwatch_ingest_batches_total", result="stored"): len(outcomes) - known,
        counters.key("botwatch_ingest_batches_total", result="duplicate"): known,
        counters.key("botwatch_ingest_duplicates_total"): sum(one.duplicates for one in outcomes),
    }
    counts |= Counter(trouble for row in group.rows[Activity] if (trouble := _trouble(row)) is not None)
    return {name: float(count) for name, count in counts.items() if count}


def _trouble(row: tuple[Any, ...]) -> counters.Key | None:
    """What an activity counts as: an error, the beginning of a hang, or nothing."""
    _, bot_id, _, _, _, action, category, _, status, *_ = row
    if category == "error":
        return counters.key("botwatch_errors_total", bot_id=str(bot_id))
    if (category, action, status) == ("performance", "blocked", "hanging"):
        return counters.key("botwatch_hangs_total", bot_id=str(bot_id))
    return None


def _known_ids(incoming: Sequence[Incoming]) -> set[tuple[int, str]]:
    """Which of the batches' own ids are stored already."""
    asked: dict[int, set[str]] = defaultdict(set)
    for one in incoming:
        asked[one.bot_id].update(event.id for event in one.batch.events if event.id is not None)
    known: set[tuple[int, str]] = set()
    for bot_id, ids in asked.items():
        # The bot's id is a number of ours; the ids are bound.
        sql = f"SELECT id FROM event_id WHERE bot_id = {int(bot_id)} AND id IN ({{keys}})"  # noqa: S608
        known.update((bot_id, row[0]) for row in db.select_keys(sql, ids))
    return known


def _sort_out(one: Incoming, group: _Group) -> Outcome:
    """Take the batch's new events into the group."""
    instance = group.instances[one.bot_id, one.batch.header.instance]
    stored = 0
    for event in _by_seq(one.batch.events):
        if event.seq is not None:
            if event.seq <= instance.last_seq:
                continue
            instance.last_seq = event.seq
        if event.id is not None:
            if (one.bot_id, event.id) in group.known_ids:
                continue
            group.known_ids.add((one.bot_id, event.id))
            group.new_ids.append((one.bot_id, event.id, one.received_at))
        common = (group.next_id, one.bot_id, instance.id, event.ts, one.received_at)
        group.rows[type(event)].append(common + _VALUES[type(event)](event))
        group.next_id += presence.FRAMES if type(event) is Presence else 1
        stored += 1
    return Outcome(stored, len(one.batch.events) - stored)


def _by_seq(events: list[Any]) -> list[Any]:
    """A client that sends its count out of order within a batch loses nothing by it."""
    last = 0
    for event in events:
        if event.seq is not None:
            if event.seq < last:
                return sorted(events, key=lambda event: event.seq or 0)
            last = event.seq
    return events


def _write(group: _Group, timeouts: Timeouts) -> None:
    for kind, (model, columns) in _TABLES.items():
        db.insert_rows(model, _COMMON + columns, group.rows[kind])
    message_index.follow(message_index.TAIL)
    if group.rows[Presence]:
        presence.apply(_updates(group), timeouts)
    db.insert_rows(models.EventId, ("bot_id", "id", "received_at"), group.new_ids)
    if not group.waiting:
        counted = group.rows[Message]
        rollups.apply(map(_COUNTED, counted), leaves_users=rollups.leaves_users(len(counted)))
    instances.write(group.instances)


def _updates(group: _Group) -> Iterator[presence.Update]:
    """When a user was seen is told by the collector's clock: the instance's, less what that is ahead."""
    skews = {instance.id: instance.skew_ms or 0 for instance in group.instances.values()}
    for id, bot_id, instance_id, occurred_at, received_at, *fields in group.rows[Presence]:
        seen_at = min(occurred_at - skews[instance_id], received_at)
        yield presence.Update(id, bot_id, occurred_at, received_at, seen_at, *fields)


def _message_values(message: Message) -> tuple[Any, ...]:
    return (
        message.direction,
        message.user_id,
        message.user_name,
        message.channel,
        message.text,
        message.response_ms,
        message.wait_ms,
        message.id,
        _json(message.attributes),
    )


def _own_columns(kind: type[Event]) -> tuple[str, ...]:
    """Of kinds whose table has a column for each of their fields, under its name."""
    return tuple(name for name in kind.__struct_fields__ if name not in ("ts", "seq", "id"))


_sample_columns = _own_columns(Sample)
_activity_columns = _own_columns(Activity)
_sample_numbers = attrgetter(*(name for name in _sample_columns if name != "attributes"))
_activity_texts = attrgetter(*(name for name in _activity_columns if name != "details"))


def _sample_values(sample: Sample) -> tuple[Any, ...]:
    return (*_sample_numbers(sample), _json(sample.attributes))


def _activity_values(activity: Activity) -> tuple[Any, ...]:
    return (*_activity_texts(activity), _json(activity.details))


def _heartbeat_values(heartbeat: Heartbeat) -> tuple[Any, ...]:
    details = {name: getattr(heartbeat, name) for name in _HEARTBEAT_DETAILS}
    present = {name: value for name, value in details.items() if value is not None}
    return (
        heartbeat.interval_s,
        heartbeat.uptime_s,
        heartbeat.update_age_s,
        heartbeat.stopping,
        _encode(present).decode(),
    )


def _json(value: dict[str, Any] | None) -> str | None:
    return _encode(value).decode() if value else None


# Of a message's row, in the order of rollups.Counted; as plain tuples, which cost a third.
_COUNTED = itemgetter(1, 3, 5, 6, 7, 10, 11)
_COMMON = ("id", "bot_id", "instance_id", "occurred_at", "received_at")
_TABLES: dict[type[Event], tuple[type[models.Table], tuple[str, ...]]] = {
    Message: (
        models.Message,
        (
            "direction",
            "user_id",
            "user_name",
            "channel",
            "text",
            "response_ms",
            "wait_ms",
            "event_id",
            "attributes",
        ),
    ),
    Sample: (models.Sample, _sample_columns),
    Heartbeat: (models.Heartbeat, ("interval_s", "uptime_s", "update_age_s", "stopping", "details")),
    Activity: (models.Activity, _activity_columns),
    CheckResult: (models.CheckResult, _own_columns(CheckResult)),
}
_VALUES: dict[type[Event], Any] = {
    Message: _message_values,
    Sample: _sample_values,
    Heartbeat: _heartbeat_values,
    Activity: _activity_values,
    CheckResult: attrgetter(*_own_columns(CheckResult)),
    Presence: attrgetter(*_own_columns(Presence)),
}
