"""Makes the rollups anew from the stored messages: the proof that they are right, and the cure if not.

Hours that messages were removed from can't be counted again: their finest rollups stay as they are, and the
coarser ones are added up from these.
"""

from collections.abc import Callable
from typing import Any

from peewee import SQL, Case, fn

from .. import db, models
from ..clock import DAY, HOUR
from .apply import GROUPS, Counted, Group, apply, fold
from .keeping_up import catch_up_and_hold

_ROWS = 20_000
_NEVER, _NO_TIME = -1, 2**62


def rebuild(progress: Callable[[int, int], None] | None = None) -> int:
    """Recount everything, in one transaction that holds ingest; returns the messages counted.

    `progress` is called with the messages done and the id reached. Costs about 15 us a message.
    """
    done, last_id = 0, 0
    with db.writing():
        _stop_other_writers()
        for group in GROUPS:
            _clear(group)
        _clear_people()
        while rows := _messages_after(last_id):
            apply(Counted(*row[1:]) for row in rows)
            done, last_id = done + len(rows), rows[-1][0]
            if progress:
                progress(done, last_id)
        models.BotUser.delete().where(models.BotUser.last_at == _NEVER).execute()
        models.KnownUsers.note_erasure()
    return done


def _stop_other_writers() -> None:
    catch_up_and_hold()
    if db.is_postgresql():
        # Retention takes no id: without this, what it removes meanwhile would be counted as if it never was.
        db.database.execute_sql("LOCK TABLE message IN SHARE MODE")


def _clear(group: Group) -> None:
    """Leave only what can't be counted again, at every length of bucket."""
    finest: Any = group.rollups[0].model
    finest.delete().where(~_is_pruned(finest.bot_id, finest.at)).execute()
    for rollup in group.rollups[1:]:
        rollup.model.delete().execute()
    kept = finest.select(*(getattr(finest, name) for name in group.keys + group.values)).tuples()
    for bot, day in _pruned_days():
        fold(group, kept.where(finest.bot_id == bot, finest.at >= day, finest.at < day + DAY))


def _clear_people() -> None:
    """Leave each person with what can't be counted again, and with a name that was given then."""
    person, year = models.BotUser, models.UserYear
    is_lasting = _is_pruned(person.bot_id, person.named_at)
    person.update(
        first_at=_NO_TIME,
        last_at=_NEVER,
        user_name=Case(None, [(is_lasting, person.user_name)], None),
        named_at=Case(None, [(is_lasting, person.named_at)], _NEVER),
        messages=0,
    ).execute()
    known = year.select(
        year.bot_id,
        year.user_id,
        SQL(str(_NEVER)),
        fn.MIN(year.first_at),
        fn.MAX(year.last_at),
        fn.SUM(year.messages),
    ).group_by(year.bot_id, year.user_id)
    counted = [person.first_at, person.last_at, person.messages]
    # SQLite takes the ON of the conflict for a join's, unless there is a WHERE.
    person.insert_from(
        known.where(SQL("1 = 1")), [person.bot_id, person.user_id, person.named_at, *counted]
    ).on_conflict(conflict_target=[person.bot_id, person.user_id], preserve=counted).execute()


def _is_pruned(bot_id: Any, at: Any) -> Any:
    """Whether messages were removed from the hour of `at`."""
    pruned = models.PrunedHour
    return fn.EXISTS(
        pruned.select(SQL("1")).where(pruned.bot_id == bot_id, pruned.at == db.start_of(at, HOUR))
    )


def _pruned_days() -> list[tuple[int, int]]:
    pruned = models.PrunedHour
    return [*pruned.select(pruned.bot_id, db.start_of(pruned.at, DAY)).distinct().tuples()]


def _messages_after(last_id: int) -> list[tuple[Any, ...]]:
    message = models.Message
    query = (
        message.select(message.id, *(getattr(message, name) for name in Counted._fields))
        .where(message.id > last_id, ~_is_pruned(message.bot_id, message.occurred_at))
        .order_by(message.id)
        .limit(_ROWS)
    )
    return [*query.tuples().iterator()]
