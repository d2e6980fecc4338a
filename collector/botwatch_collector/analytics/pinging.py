"""What is different with jobs that ping: they report rarely, and their silence is itself what is wrong."""

from collections.abc import Sequence
from typing import Any

from ..clock import iso
from ..models import PING_AGENT, Bot, Heartbeat, Token, ping_instance


def is_process(table: Any) -> Any:
    """Of `Instance` or an alias of it: whether it is a running process, not a job."""
    return table.agent.is_null() | (table.agent != PING_AGENT)


def is_job(table: Any, bots: Sequence[int]) -> Any:
    """Whether it is a job whose key is still good, however rarely it reports."""
    is_good = (Token.scope == "ping") & Token.revoked_at.is_null()
    keys = Token.select(Token.id).join(Bot).where(is_good, Bot.id.in_(bots))
    return (table.agent == PING_AGENT) & table.name.in_([ping_instance(key.id) for key in keys])


def is_of_job(heartbeat: Heartbeat) -> bool:
    return bool(heartbeat.details.get("agent") == PING_AGENT)


def overdue(heartbeat: Heartbeat, state: str, check: dict[str, Any]) -> dict[str, Any]:
    """A job's check as it is by now. One that is late and failed before has still that to say."""
    since = f"no ping since {iso(heartbeat.received_at)[:19]}Z"
    if state == "down":
        return check | {"status": "fail", "message": since}
    if state == "late" and check["status"] != "fail":
        return check | {"status": "warn", "message": f"late: {since}"}
    return check
