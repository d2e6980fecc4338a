-- Bots that are retired, the times of heartbeats, and what the collector knows of its own course.

ALTER TABLE bot ADD COLUMN retired_at BIGINT;

-- Holds all that is asked of the heartbeats of a week, without their details.
CREATE INDEX heartbeat_time ON heartbeat (bot_id, instance_id, received_at, id) INCLUDE (interval_s, stopping);

-- What the collector had counted by then, and how large it was; `totals` is a JSON object.
CREATE TABLE collector_reading (
    at     BIGINT PRIMARY KEY,
    totals JSONB  NOT NULL
);

-- Statements that took long, without their parameters.
CREATE TABLE slow_query (
    shape    TEXT PRIMARY KEY,
    runs     BIGINT           NOT NULL,
    total_ms DOUBLE PRECISION NOT NULL,
    worst_ms DOUBLE PRECISION NOT NULL,
    last_at  BIGINT           NOT NULL
);
