-- The keys of jobs that report by an address. SQLite can't change a check, so the table is made anew.

CREATE TABLE token_with_ping (
    id           INTEGER PRIMARY KEY,
    scope        TEXT    NOT NULL CHECK (scope IN ('ingest', 'read', 'ping')),
    bot_id       INTEGER REFERENCES bot (id),
    name         TEXT    NOT NULL DEFAULT '',
    period_s     INTEGER,
    grace_s      INTEGER,
    hint         TEXT    NOT NULL,
    hash         TEXT    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    CHECK (scope = 'read' OR bot_id IS NOT NULL),
    CHECK (scope <> 'ping' OR (period_s IS NOT NULL AND period_s > 0 AND grace_s IS NOT NULL AND grace_s > 0))
);
INSERT INTO token_with_ping (id, scope, bot_id, name, hint, hash, created_at, last_used_at, revoked_at)
    SELECT id, scope, bot_id, name, hint, hash, created_at, last_used_at, revoked_at FROM token;
DROP TABLE token;
ALTER TABLE token_with_ping RENAME TO token;
