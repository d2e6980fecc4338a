-- Bots that are retired, the times of heartbeats, and what the collector knows of its own course.

ALTER TABLE bot ADD COLUMN retired_at INTEGER;

-- Holds all that is asked of the heartbeats of a week, without their details.
CREATE INDEX heartbeat_time ON heartbeat (bot_id, instance_id, received_at, id, interval_s, stopping);

-- What the collector had counted by then, and how large it was; `totals` is a JSON object.
CREATE TABLE collector_reading (
    at     INTEGER PRIMARY KEY,
    totals TEXT    NOT NULL
);

-- Statements that took long, without their parameters.
CREATE TABLE slow_query (
    shape    TEXT PRIMARY KEY,
    runs     INTEGER NOT NULL,
    total_ms REAL    NOT NULL,
    worst_ms REAL    NOT NULL,
    last_at  INTEGER NOT NULL
) WITHOUT ROWID;
