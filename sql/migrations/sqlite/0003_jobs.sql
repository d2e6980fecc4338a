-- What is done from time to time, and what retention leaves behind.

-- A job is due at `due_at`, and its claimant's alone until `claimed_until`.
CREATE TABLE job (
    name          TEXT PRIMARY KEY,
    due_at        INTEGER NOT NULL,
    claimed_by    TEXT,
    claimed_until INTEGER,
    started_at    INTEGER,
    succeeded_at  INTEGER,
    error         TEXT
) WITHOUT ROWID;

-- Hours that messages were removed from: their rollups can't be counted again.
CREATE TABLE pruned_hour (
    bot_id INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;

CREATE INDEX event_id_received ON event_id (received_at);
