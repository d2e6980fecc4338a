-- What is done from time to time, and what retention leaves behind.

-- A job is due at `due_at`, and its claimant's alone until `claimed_until`.
CREATE TABLE job (
    name          TEXT PRIMARY KEY,
    due_at        BIGINT NOT NULL,
    claimed_by    TEXT,
    claimed_until BIGINT,
    started_at    BIGINT,
    succeeded_at  BIGINT,
    error         TEXT
);

-- Hours that messages were removed from: their rollups can't be counted again.
CREATE TABLE pruned_hour (
    bot_id BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (bot_id, at)
);

CREATE INDEX event_id_received ON event_id (received_at);
CREATE INDEX sample_id ON sample (id);
CREATE INDEX heartbeat_id ON heartbeat (id);
