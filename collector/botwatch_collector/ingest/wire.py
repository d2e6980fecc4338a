"""What agents send, as types: decoding, validation and the API's documentation all come from here.

A field that isn't named here is ignored, so that a newer agent can talk to an older collector.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

YEAR_9999_MS = 253_402_300_799_999

Ms = Annotated[int, Meta(ge=0, le=YEAR_9999_MS, description="unix time in milliseconds, UTC")]
Duration = Annotated[int, Meta(ge=0, le=2**53, description="milliseconds")]
# A day's times add up in 64 bits, however many there are.
Took = Annotated[int, Meta(ge=0, le=2**36, description="milliseconds, at most two years")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Amount = Annotated[float, Meta(ge=0)]
Seq = Annotated[int, Meta(ge=1, le=2**63 - 1, description="the instance's own count, ascending")]
Id = Annotated[str, Meta(min_length=1, max_length=200, description="any string unique for the bot")]
Name = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=65_536)]
Word = Annotated[str, Meta(max_length=64)]
InstanceName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Scalar = str | int | float | bool | None
Attributes = Annotated[dict[str, Scalar], Meta(max_length=32, description="at most 4096 bytes encoded")]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Details = Annotated[dict[str, Any], Meta(description="at most 16384 bytes encoded, nested at most 8 deep")]
Health = Literal["ok", "warn", "fail", "unknown"]
UserId = Annotated[str, Meta(min_length=1, max_length=256)]
StatusMessage = Annotated[str, Meta(max_length=100)]
Remark = Annotated[str, Meta(max_length=500)]


class Header(Struct, frozen=True, kw_only=True):
    """The first line of a batch: which process of which bot speaks."""

    v: Literal[1]
    instance: InstanceName
    bot: str | None = None
    host: Name | None = None
    pid: Count | None = None
    first_seq: Count | None = None
    agent: Name | None = None
    sent_at: Ms | None = None


class Event(Struct, kw_only=True, gc=False, tag_field="kind"):
    """What all kinds have in common. At least one of `seq` and `id` is needed."""

    ts: Ms
    seq: Seq | None = None
    id: Id | None = None


class Message(Event, tag="message", kw_only=True, gc=False):
    """Text in or out. `text` and `user_id` may be null where privacy asks for it, but not be missing."""

    direction: Literal["in", "out"]
    text: Text | None
    user_id: Name | None
    user_name: Name | None = None
    channel: Name | None = None
    response_ms: Took | None = None
    wait_ms: Took | None = None
    attributes: Attributes | None = None


class Sample(Event, tag="sample", kw_only=True, gc=False):
    """A reading of the process' resources."""

    cpu_percent: Amount | None = None
    memory_bytes: Count | None = None
    threads: Count | None = None
    fds: Count | None = None
    loop_lag_ms: Amount | None = None
    gc_collections: Count | None = None
    db_connections: Count | None = None
    memory_limit_bytes: Count | None = None
    cpu_limit: Amount | None = None
    uptime_s: Amount | None = None
    update_age_s: Amount | None = None
    attributes: Attributes | None = None


class Check(Struct, kw_only=True):
    """What a dependency of the bot answered last."""

    status: Health
    message: Remark | None = None
    latency_ms: Amount | None = None
    checked_at: Ms | None = None


class Spool(Struct, kw_only=True):
    """The agent's queue on disk."""

    events: Count = 0
    bytes: Count = 0
    oldest_age_s: Amount | None = None
    place: Literal["disk", "memory"] | None = None


class Heartbeat(Event, tag="heartbeat", kw_only=True, gc=False):
    """ "I am alive, and I will say so again within `interval_s`."

    With a `grace_s` silence is late at once, and down when the grace is over.
    """

    interval_s: Annotated[float, Meta(gt=0, le=86_400)] = 15.0
    grace_s: Amount | None = None
    uptime_s: Amount | None = None
    update_age_s: Amount | None = None
    stopping: bool = False
    version: Name | None = None
    agent: Name | None = None
    python: Name | None = None
    platform: Name | None = None
    started_at: Ms | None = None
    sent: Count | None = None
    sent_per_s: Amount | None = None
    errors: Count | None = None
    cpu_s: Amount | None = None
    spool: Spool | None = None
    losses: Annotated[dict[Word, Count], Meta(max_length=32)] | None = None
    checks: Annotated[dict[Name, Check], Meta(max_length=32)] | None = None


class Activity(Event, tag="activity", kw_only=True, gc=False):
    """An action on an entity. An uncaught error is one too: category "error", its type as the action."""

    action: Title
    category: Label = "other"
    severity: Literal["debug", "info", "warning", "error", "critical"] = "info"
    status: Label = "success"
    entity_type: Label | None = None
    entity_id: Name | None = None
    user_id: Name | None = None
    duration_ms: Duration | None = None
    details: Details | None = None


class CheckResult(Event, tag="check", kw_only=True, gc=False):
    """What one of the bot's dependencies answered when it was asked."""

    name: Label
    status: Health
    latency_ms: Amount | None = None
    message: Remark | None = None


class Presence(Event, tag="presence", kw_only=True, gc=False):
    """What a user does at present. What is left out stays as it was; an empty `message` or `page` ends it.

    Every event is a sign of life, except one that says nothing but `show_status`, which hides or shows.
    """

    user_id: UserId
    status: Literal["online", "away", "busy", "dnd", "offline"] | None = None
    message: StatusMessage | None = None
    typing: bool | None = None
    page: Name | None = None
    device: Word | None = None
    user_name: Name | None = None
    show_status: bool | None = None


AnyEvent = Message | Sample | Heartbeat | Activity | CheckResult | Presence


class Batch(Struct, frozen=True):
    """A decoded batch: its header and its events, in the order of the body."""

    header: Header
    events: list[Any]
