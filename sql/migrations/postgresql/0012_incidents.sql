-- What is wrong or was, and what was told of it.

CREATE TABLE incident (
    id          BIGINT  NOT NULL,
    bot_id      BIGINT  NOT NULL,
    rule        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    severity    TEXT    NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    message     TEXT    NOT NULL,
    details     JSONB   NOT NULL,
    opened_at   BIGINT  NOT NULL,
    resolved_at BIGINT,
    resolved_by TEXT,
    PRIMARY KEY (bot_id, id)
);
-- Whoever comes second to open it does nothing.
CREATE UNIQUE INDEX incident_open ON incident (bot_id, rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX incident_time ON incident (bot_id, opened_at);

CREATE TABLE incident_change (
    id          BIGINT  NOT NULL,
    bot_id      BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    incident_id BIGINT  NOT NULL,
    rule        TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    opened_at   BIGINT  NOT NULL,
    resolved_at BIGINT,
    resolved_by TEXT,
    details     JSONB   NOT NULL,
    PRIMARY KEY (bot_id, id)
);

-- Where a rule stands on its way into an incident or out of it; no row where all is well.
CREATE TABLE incident_watch (
    bot_id  BIGINT  NOT NULL,
    rule    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    state   TEXT    NOT NULL CHECK (state IN ('pending', 'firing', 'clearing', 'dismissed')),
    since   BIGINT  NOT NULL,
    PRIMARY KEY (bot_id, rule, subject)
);
CREATE INDEX incident_id ON incident (id);
CREATE INDEX incident_change_id ON incident_change (id);
