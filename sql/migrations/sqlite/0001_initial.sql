-- Times are unix milliseconds, UTC. Large tables start their keys with the bot, so that the same schema
-- can be partitioned and distributed elsewhere.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE bot (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);

CREATE TABLE token (
    id           INTEGER PRIMARY KEY,
    scope        TEXT    NOT NULL CHECK (scope IN ('ingest', 'read')),
    bot_id       INTEGER REFERENCES bot (id),
    name         TEXT    NOT NULL DEFAULT '',
    hint         TEXT    NOT NULL,
    hash         TEXT    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    CHECK (scope <> 'ingest' OR bot_id IS NOT NULL)
);

CREATE TABLE account (
    id            INTEGER PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    time_zone     TEXT,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER
);

CREATE TABLE login (
    id           INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account (id),
    hash         TEXT    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
);

CREATE TABLE login_failure (
    id       INTEGER PRIMARY KEY,
    username TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    at       INTEGER NOT NULL
);
CREATE INDEX login_failure_username ON login_failure (username, at);
CREATE INDEX login_failure_address ON login_failure (address, at);

-- One row. Every event's id comes from here inside the transaction that stores it, so that ids follow the
-- order of commits and a reader of "ids above N" misses nothing.
CREATE TABLE event_sequence (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    last_id INTEGER NOT NULL
);
INSERT INTO event_sequence VALUES (1, 0);

CREATE TABLE instance (
    id            INTEGER PRIMARY KEY,
    bot_id        INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    host          TEXT,
    pid           INTEGER,
    agent         TEXT,
    last_seq      INTEGER NOT NULL DEFAULT 0,
    skew_ms       INTEGER,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    UNIQUE (bot_id, name)
);
CREATE INDEX instance_last_seen ON instance (last_seen_at);

-- The ids that clients gave their events themselves.
CREATE TABLE event_id (
    bot_id      INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, id)
) WITHOUT ROWID;

CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    bot_id      INTEGER NOT NULL,
    instance_id INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    direction   TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    user_id     TEXT,
    user_name   TEXT,
    channel     TEXT,
    text        TEXT,
    response_ms INTEGER,
    wait_ms     INTEGER,
    event_id    TEXT,
    attributes  TEXT
);
CREATE INDEX message_time ON message (bot_id, occurred_at);

CREATE TABLE sample (
    id                 INTEGER PRIMARY KEY,
    bot_id             INTEGER NOT NULL,
    instance_id        INTEGER NOT NULL,
    occurred_at        INTEGER NOT NULL,
    received_at        INTEGER NOT NULL,
    cpu_percent        REAL,
    memory_bytes       INTEGER,
    threads            INTEGER,
    fds                INTEGER,
    loop_lag_ms        REAL,
    gc_collections     INTEGER,
    db_connections     INTEGER,
    memory_limit_bytes INTEGER,
    cpu_limit          REAL,
    uptime_s           REAL,
    update_age_s       REAL,
    attributes         TEXT
);
CREATE INDEX sample_instance ON sample (bot_id, instance_id, occurred_at);

CREATE TABLE heartbeat (
    id           INTEGER PRIMARY KEY,
    bot_id       INTEGER NOT NULL,
    instance_id  INTEGER NOT NULL,
    occurred_at  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    interval_s   REAL    NOT NULL,
    uptime_s     REAL,
    update_age_s REAL,
    stopping     INTEGER NOT NULL,
    details      TEXT    NOT NULL
);
CREATE INDEX heartbeat_instance ON heartbeat (bot_id, instance_id, id);

CREATE TABLE bot_user (
    bot_id    INTEGER NOT NULL,
    user_id   TEXT    NOT NULL,
    user_name TEXT,
    named_at  INTEGER NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (bot_id, user_id)
) WITHOUT ROWID;

-- Rollups: `at` is the start of the bucket; each can be rebuilt from `message`.
CREATE TABLE message_minute (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    messages_in INTEGER NOT NULL, messages_out INTEGER NOT NULL,
    response_count INTEGER NOT NULL, response_sum_ms INTEGER NOT NULL,
    wait_count INTEGER NOT NULL, wait_sum_ms INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;
CREATE TABLE message_hour (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    messages_in INTEGER NOT NULL, messages_out INTEGER NOT NULL,
    response_count INTEGER NOT NULL, response_sum_ms INTEGER NOT NULL,
    wait_count INTEGER NOT NULL, wait_sum_ms INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;
CREATE TABLE message_day (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    messages_in INTEGER NOT NULL, messages_out INTEGER NOT NULL,
    response_count INTEGER NOT NULL, response_sum_ms INTEGER NOT NULL,
    wait_count INTEGER NOT NULL, wait_sum_ms INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;

-- Histograms of times in logarithmic buckets 1.9 % wide; `measure` 0 is response_ms, 1 is wait_ms.
CREATE TABLE response_minute (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, measure INTEGER NOT NULL, bucket INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, measure, bucket)
) WITHOUT ROWID;
CREATE TABLE response_hour (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, measure INTEGER NOT NULL, bucket INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, measure, bucket)
) WITHOUT ROWID;
CREATE TABLE response_day (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, measure INTEGER NOT NULL, bucket INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, measure, bucket)
) WITHOUT ROWID;
CREATE TABLE response_ever (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, measure INTEGER NOT NULL, bucket INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, measure, bucket)
) WITHOUT ROWID;

-- Who wrote in a bucket, and how much: messages received from the user. The first and the last time tell on
-- which side of any one moment inside the bucket the user was active, so that days of other zones are exact.
CREATE TABLE user_hour (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;
CREATE TABLE user_day (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;
CREATE TABLE user_week (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;
CREATE TABLE user_month (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;

-- What the collector counts about itself, summed over all its workers and hosts.
CREATE TABLE collector_counter (
    name   TEXT NOT NULL,
    labels TEXT NOT NULL,
    value  REAL NOT NULL,
    PRIMARY KEY (name, labels)
) WITHOUT ROWID;

-- One row for each worker alive; `gauges` is a JSON object of its present readings.
CREATE TABLE collector_worker (
    id         TEXT PRIMARY KEY,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    gauges     TEXT    NOT NULL
) WITHOUT ROWID;
