"""Erases a person: whatever names them leaves, in every table.

A message stays as the bare fact that there was one, so that all counts and times can still be recomputed.
What happened to the person (activities) and who they are (names, the sets of users) goes altogether.
"""

from collections.abc import Sequence
from typing import Any

from peewee import fn

from .. import db, message_index, models, rollups

_AT_ONCE = 200

_BLANK: dict[str, None] = dict.fromkeys(
    ("user_id", "user_name", "channel", "text", "event_id", "attributes"), None
)


def forget(user_id: str, bots: Sequence[int]) -> dict[str, int]:
    """Erase the user of these bots; how many rows of each table named them. Safe to repeat.

    In small steps. What was deleted may still stand in free parts of the database's files: `db.compact` takes
    it from there.
    """
    erased = {}
    for model in models.TABLES:
        if "user_id" in model._meta.fields:
            erased[model._meta.table_name] = sum(_erase(model, bot, user_id) for bot in bots)
        if model is models.Message:
            # What waits names nobody any more, and what was counted before is found in the rollups.
            rollups.catch_up()
    if erased["message"]:
        message_index.compact()
    return erased


def _erase(model: Any, bot: int, user_id: str) -> int:
    key = next(field for name, field in model._meta.fields.items() if name in ("id", "at", "user_id"))
    about = (model.bot_id == bot) & _names(model, user_id)
    keys = [row[0] for row in model.select(key).where(about).tuples()]
    for start in range(0, len(keys), _AT_ONCE):
        chosen = keys[start : start + _AT_ONCE]
        with db.writing():
            if model is models.Message:
                _blank(bot, chosen)
            else:
                model.delete().where(about & key.in_(chosen)).execute()
                if issubclass(model, models.UserCounts):
                    models.KnownUsers.note_erasure()
    return len(keys)


def _names(model: Any, user_id: str) -> Any:
    """Whether a row is about the person."""
    if model is models.Message:
        # A private chat often goes by the id of the person.
        return (model.user_id == user_id) | (model.channel == user_id)
    if model is models.Activity:
        is_entity = (fn.LOWER(model.entity_type) == "user") & (model.entity_id == user_id)
        return (model.user_id == user_id) | is_entity
    return model.user_id == user_id


def _blank(bot: int, chosen: Sequence[int]) -> None:
    message, known = models.Message, models.EventId
    # Read again under the lock: retention may have taken some of them.
    present = message_index.remove(message.id.in_(chosen))
    rows = message.id.in_(present)
    ids: Any = message.select(message.event_id).where(rows, message.event_id.is_null(False)).tuples()
    known.delete().where(known.bot_id == bot, known.id.in_([id_ for (id_,) in ids])).execute()
    message.update(**_BLANK).where(rows).execute()
    message_index.put_back(present)
