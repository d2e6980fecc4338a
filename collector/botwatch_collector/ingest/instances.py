"""The instances whose batches one transaction stores: found together, and written back together.

With many small batches, a query for each of them would cost more than all the rest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import db, models
from .wire import Header

Key = tuple[int, str]
"""A bot's id, and the name of its instance."""

Heard = tuple[int, Header, int]
"""Whose header came when: the bot's id, the header, and the collector's time."""


@dataclass
class Instance:
    """An instance's row while its transaction runs."""

    id: int
    last_seq: int
    seen_at: int = 0
    skew_ms: int | None = None


def find_or_add(heard: Iterable[Heard]) -> dict[Key, Instance]:
    """Those that spoke, with what their last headers tell. The new ones are stored at once."""
    headers = {(bot_id, header.instance): (header, received_at) for bot_id, header, received_at in heard}
    found = _found(headers)
    for (bot_id, name), (header, received_at) in headers.items():
        instance = found.get((bot_id, name)) or _added(bot_id, header, received_at)
        instance.seen_at = received_at
        instance.skew_ms = None if header.sent_at is None else header.sent_at - received_at
        found[bot_id, name] = instance
    return found


def write(instances: Mapping[Key, Instance]) -> None:
    """How far each has come, and when it was heard."""
    db.execute_each(
        "UPDATE instance SET last_seq = ?, last_seen_at = ?, skew_ms = ? WHERE bot_id = ? AND name = ?",
        [(one.last_seq, one.seen_at, one.skew_ms, bot_id, name) for (bot_id, name), one in instances.items()],
    )


def _found(keys: Iterable[Key]) -> dict[Key, Instance]:
    names: dict[int, list[str]] = defaultdict(list)
    for bot_id, name in keys:
        names[bot_id].append(name)
    found = {}
    for bot_id, its_names in names.items():
        # The bot's id is a number of ours; the names are bound.
        sql = f"SELECT name, id, last_seq FROM instance WHERE bot_id = {int(bot_id)} AND name IN ({{keys}})"  # noqa: S608
        for name, row_id, last_seq in db.select_keys(sql, its_names):
            found[bot_id, name] = Instance(row_id, last_seq)
    return found


def _added(bot_id: int, header: Header, received_at: int) -> Instance:
    added: int = models.Instance.insert(
        bot_id=bot_id,
        name=header.instance,
        host=header.host,
        pid=header.pid,
        agent=header.agent,
        first_seen_at=received_at,
        last_seen_at=received_at,
    ).execute()
    return Instance(added, 0)
