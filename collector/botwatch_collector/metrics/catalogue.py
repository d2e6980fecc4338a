"""Every metric there is: a table of data. Each has a reading of its name, and a line in docs/metrics.md."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "summary"]


@dataclass(frozen=True)
class Metric:
    """`own` is set for what the collector tells of itself, which tokens of a single bot don't see.

    Users, chats and messages are never labels: their number has no bound.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    own: bool = False


BOTS = (
    Metric("botwatch_messages_total", "counter", "Messages stored, in or out.", ("bot", "direction")),
    Metric("botwatch_response_seconds", "histogram", "Time the bot took for an answer.", ("bot",)),
    Metric(
        "botwatch_wait_seconds",
        "histogram",
        "Time the user waited, from the platform's own timestamp to the answer.",
        ("bot",),
    ),
    Metric("botwatch_active_users", "gauge", "Users who wrote within the window.", ("bot", "window")),
    Metric(
        "botwatch_presence_users",
        "gauge",
        "Users who are there and don't hide it, by status.",
        ("bot", "status"),
    ),
    Metric("botwatch_bot_up", "gauge", "1 while an instance of the bot is up or late, else 0.", ("bot",)),
    Metric(
        "botwatch_bot_deaf", "gauge", "1 while the bot is up but gets no updates any more, else 0.", ("bot",)
    ),
    Metric(
        "botwatch_heartbeat_age_seconds",
        "gauge",
        "Time since the last heartbeat of any instance; absent before the first.",
        ("bot",),
    ),
    Metric("botwatch_instances", "gauge", "Instances seen within a day, by state.", ("bot", "state")),
    Metric("botwatch_instance_cpu_percent", "gauge", "CPU of one core used.", ("bot", "instance")),
    Metric("botwatch_instance_memory_bytes", "gauge", "Resident memory.", ("bot", "instance")),
    Metric("botwatch_instance_threads", "gauge", "Threads.", ("bot", "instance")),
    Metric("botwatch_instance_fds", "gauge", "Open file descriptors.", ("bot", "instance")),
    Metric("botwatch_instance_loop_lag_seconds", "gauge", "Delay of the event loop.", ("bot", "instance")),
    Metric(
        "botwatch_instance_update_age_seconds",
        "gauge",
        "Age of the last update handled, when it was sampled.",
        ("bot", "instance"),
    ),
    Metric(
        "botwatch_instance_db_connections",
        "gauge",
        "Database connections, where the bot tells them.",
        ("bot", "instance"),
    ),
    Metric(
        "botwatch_instance_gc_collections",
        "gauge",
        "Collections of garbage since the start.",
        ("bot", "instance"),
    ),
    Metric("botwatch_instance_memory_limit_bytes", "gauge", "The container's limit.", ("bot", "instance")),
    Metric("botwatch_instance_cpu_limit", "gauge", "The container's limit, in cores.", ("bot", "instance")),
    Metric(
        "botwatch_check_ok",
        "gauge",
        "1 while a dependency answers all live instances, else 0; absent when unknown.",
        ("bot", "check"),
    ),
    Metric(
        "botwatch_check_latency_seconds",
        "gauge",
        "Time of a dependency's last answer.",
        ("bot", "check"),
    ),
    Metric("botwatch_incidents_active", "gauge", "Alerts that aren't resolved.", ("bot", "severity")),
    Metric("botwatch_errors_total", "counter", "Uncaught errors of handlers.", ("bot",)),
    Metric("botwatch_hangs_total", "counter", "Event loops and handlers that were found to hang.", ("bot",)),
    Metric(
        "botwatch_agent_losses_total",
        "counter",
        "Events that agents dropped, by reason.",
        ("bot", "reason"),
    ),
    Metric("botwatch_agent_sent_total", "counter", "Events that agents delivered.", ("bot",)),
    Metric("botwatch_agent_errors_total", "counter", "Failed attempts of agents to deliver.", ("bot",)),
    Metric("botwatch_agent_cpu_seconds_total", "counter", "CPU that the agents' own threads used.", ("bot",)),
    Metric(
        "botwatch_agent_queue_events", "gauge", "Events that wait in the spools of live instances.", ("bot",)
    ),
    Metric("botwatch_agent_queue_bytes", "gauge", "Bytes that wait in the spools.", ("bot",)),
    Metric(
        "botwatch_agent_queue_oldest_seconds",
        "gauge",
        "Age of the oldest event that waits in a spool.",
        ("bot",),
    ),
)

OWN = (
    Metric(
        "botwatch_ingest_batches_total",
        "counter",
        "Batches answered: stored (something of it was new) or duplicate (all of it was known).",
        ("result",),
        own=True,
    ),
    Metric("botwatch_ingest_events_total", "counter", "Events stored, by kind.", ("kind",), own=True),
    Metric("botwatch_ingest_duplicates_total", "counter", "Events that were stored already.", own=True),
    Metric(
        "botwatch_ingest_rejected_total",
        "counter",
        "Batches refused, by the code of the answer.",
        ("reason",),
        own=True,
    ),
    Metric(
        "botwatch_ingest_commit_seconds", "summary", "Time of the transactions that store events.", own=True
    ),
    Metric("botwatch_ingest_queue_events", "gauge", "Events that wait for their transaction.", own=True),
    Metric(
        "botwatch_analytics_cache_total",
        "counter",
        "Answers about users that were wanted: hit (known already) or miss (asked of the rollups).",
        ("question", "result"),
        own=True,
    ),
    Metric("botwatch_stream_readers", "gauge", "Live streams that are open.", own=True),
    Metric(
        "botwatch_stream_slow_readers",
        "gauge",
        "Live streams that are caught up from the database, or whose reader takes nothing at present.",
        own=True,
    ),
    Metric(
        "botwatch_stream_events_total",
        "counter",
        "Frames sent to readers of streams, by channel.",
        ("channel",),
        own=True,
    ),
    Metric("botwatch_stream_bytes_total", "counter", "Bytes of these frames.", own=True),
    Metric(
        "botwatch_stream_lag_seconds",
        "summary",
        "Time from an event's arrival, through its commit, to its being ready for readers.",
        own=True,
    ),
    Metric(
        "botwatch_stream_dropped_total",
        "counter",
        "Streams refused or ended by the collector: full, too_many (of one token or account), "
        "stalled (the reader took nothing), access (it may no longer read).",
        ("reason",),
        own=True,
    ),
    Metric(
        "botwatch_job_runs_total",
        "counter",
        "Runs of a job, by how they ended: done or failed.",
        ("job", "result"),
        own=True,
    ),
    Metric("botwatch_job_seconds_total", "counter", "Time that a job's runs took.", ("job",), own=True),
    Metric(
        "botwatch_job_succeeded_timestamp_seconds",
        "gauge",
        "When a job last succeeded, in unix seconds.",
        ("job",),
        own=True,
    ),
    Metric("botwatch_pruned_rows_total", "counter", "Rows that retention removed.", ("table",), own=True),
    Metric("botwatch_database_size_bytes", "gauge", "Size of the database.", own=True),
    Metric(
        "botwatch_table_size_bytes",
        "gauge",
        "Size of each table with its indexes; estimated on SQLite.",
        ("table",),
        own=True,
    ),
    Metric(
        "botwatch_table_rows",
        "gauge",
        "Rows of each table; estimated where they are many.",
        ("table",),
        own=True,
    ),
    Metric(
        "botwatch_slow_queries_total",
        "counter",
        "Statements that took longer than BOTWATCH_SLOW_QUERY_MS.",
        own=True,
    ),
    Metric(
        "botwatch_build_info",
        "gauge",
        "Always 1; versions of the collector, Python and the database as labels.",
        ("version", "python", "database"),
        own=True,
    ),
    Metric(
        "botwatch_worker_start_time_seconds",
        "gauge",
        "When each worker process started, in unix seconds.",
        ("host", "pid"),
        own=True,
    ),
)

METRICS = BOTS + OWN
