-- What is wrong or was, and what was told of it.

CREATE TABLE incident (
    id          INTEGER PRIMARY KEY,
    bot_id      INTEGER NOT NULL,
    rule        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    severity    TEXT    NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    message     TEXT    NOT NULL,
    details     TEXT    NOT NULL,
    opened_at   INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT
);
-- Whoever comes second to open it does nothing.
CREATE UNIQUE INDEX incident_open ON incident (bot_id, rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX incident_time ON incident (bot_id, opened_at);

CREATE TABLE incident_change (
    id          INTEGER PRIMARY KEY,
    bot_id      INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    incident_id INTEGER NOT NULL,
    rule        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    opened_at   INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT,
    details     TEXT    NOT NULL
);

-- Where a rule stands on its way into an incident or out of it; no row where all is well.
CREATE TABLE incident_watch (
    bot_id  INTEGER NOT NULL,
    rule    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    state   TEXT    NOT NULL CHECK (state IN ('pending', 'firing', 'clearing', 'dismissed')),
    since   INTEGER NOT NULL,
    PRIMARY KEY (bot_id, rule, subject)
) WITHOUT ROWID;
