"""Makes of a job's ping what an agent would have sent: a heartbeat, and an activity of what happened.

The heartbeat says when the next ping is due, and carries how the job's last run ended as a check. So a job is
up, late or down, well or failing, wherever bots and their dependencies are.
"""

from dataclasses import dataclass
from typing import Any, Literal

from ..models import PING_AGENT, Token, ping_instance
from ..models import Activity as ActivityRow
from ..models import Heartbeat as HeartbeatRow
from ..models import Instance as InstanceRow
from .wire import Activity, Batch, Check, Header, Heartbeat

Outcome = Literal["start", "success", "fail"]

_STATUS: dict[Outcome, str] = {"start": "started", "success": "success", "fail": "failure"}
_NAME_CHARACTERS = 64
_LAST_LINE_CHARACTERS = 200


@dataclass(frozen=True)
class Ping:
    """What a job said. `run` parts runs that overlap; `exit_status` is that of its process, where known."""

    outcome: Outcome
    exit_status: int | None = None
    run: str | None = None
    body: str = ""


def batch(key: Token, ping: Ping, now: int) -> Batch:
    """For the store. Looks into the database for the run's start, and what became of the run before."""
    run = str(key.id) if ping.run is None else f"{key.id}:{ping.run}"
    took_ms = None if ping.outcome == "start" else _took_ms(key, run, now)
    header = Header(v=1, instance=ping_instance(key.id), agent=PING_AGENT)
    return Batch(header, [_heartbeat(key, ping, took_ms, now), _activity(key, ping, run, took_ms, now)])


def job_name(key: Token) -> str:
    """What people call it."""
    return key.name[:_NAME_CHARACTERS] or ping_instance(key.id)


def _heartbeat(key: Token, ping: Ping, took_ms: int | None, now: int) -> Heartbeat:
    assert key.period_s is not None and key.grace_s is not None
    if ping.outcome == "start":
        # It has to end within the grace; until then the run before is what is known.
        return Heartbeat(ts=now, interval_s=key.grace_s, grace_s=0, agent=PING_AGENT, checks=_known(key))
    check = Check(
        status="ok" if ping.outcome == "success" else "fail",
        message=_message(ping),
        latency_ms=took_ms,
        checked_at=now,
    )
    return Heartbeat(
        ts=now, interval_s=key.period_s, grace_s=key.grace_s, agent=PING_AGENT, checks={job_name(key): check}
    )


def _activity(key: Token, ping: Ping, run: str, took_ms: int | None, now: int) -> Activity:
    details = {"job": job_name(key), "run": ping.run, "exit_status": ping.exit_status, "body": ping.body}
    return Activity(
        ts=now,
        action=ping.outcome,
        category="job",
        severity="error" if ping.outcome == "fail" else "info",
        status=_STATUS[ping.outcome],
        entity_type=PING_AGENT,
        entity_id=run,
        duration_ms=took_ms,
        details={name: value for name, value in details.items() if value not in (None, "")},
    )


def _message(ping: Ping) -> str:
    """One line: how it ended, and the last words of its output."""
    ended = "succeeded" if ping.outcome == "success" else "failed"
    if ping.exit_status:
        ended = f"exit status {ping.exit_status}"
    last = next((line.strip() for line in reversed(ping.body.splitlines()) if line.strip()), "")
    return f"{ended}: {last[:_LAST_LINE_CHARACTERS]}" if last and ping.outcome == "fail" else ended


def _took_ms(key: Token, run: str, now: int) -> int | None:
    """Since the run's start; None when the last that was heard of this run was not its start."""
    of_run = (
        (ActivityRow.bot_id == key.bot_id)
        & (ActivityRow.entity_type == PING_AGENT)
        & (ActivityRow.entity_id == run)
    )
    newest_first = (ActivityRow.occurred_at.desc(), ActivityRow.id.desc())
    last: Any = ActivityRow.select().where(of_run).order_by(*newest_first).first()
    return max(0, now - last.occurred_at) if last is not None and last.action == "start" else None


def _known(key: Token) -> dict[str, Check]:
    """The check as the last heartbeat had it; unknown before the first run has ended."""
    of_job = (InstanceRow.bot_id == key.bot_id) & (InstanceRow.name == ping_instance(key.id))
    last: Any = (
        HeartbeatRow.select(HeartbeatRow.details)
        .join(InstanceRow, on=(HeartbeatRow.instance_id == InstanceRow.id))
        .where(of_job, HeartbeatRow.bot_id == key.bot_id)
        .order_by(HeartbeatRow.id.desc())
        .first()
    )
    known = last.details.get("checks", {}) if last else {}
    if not known:
        return {job_name(key): Check(status="unknown", message="runs for the first time")}
    return {name: Check(**check) for name, check in known.items()}
