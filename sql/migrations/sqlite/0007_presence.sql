-- Who is there: each user of a bot as last heard of, and the changes that the stream tells.

CREATE TABLE presence_now (
    bot_id       INTEGER NOT NULL,
    user_id      TEXT NOT NULL,
    user_name    TEXT,
    status       TEXT    NOT NULL CHECK (status IN ('online', 'away', 'busy', 'dnd', 'offline')),
    message      TEXT,
    page         TEXT,
    device       TEXT,
    said_at      INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    typing_at    INTEGER NOT NULL,
    typing_until INTEGER NOT NULL,
    show_status  INTEGER NOT NULL,
    shown_at     INTEGER NOT NULL,
    told         TEXT    NOT NULL CHECK (told IN ('online', 'away', 'busy', 'dnd', 'offline')),
    PRIMARY KEY (bot_id, user_id)
) WITHOUT ROWID;
CREATE INDEX presence_now_seen ON presence_now (bot_id, seen_at);
-- Those whose time may run out.
CREATE INDEX presence_now_told ON presence_now (seen_at) WHERE told <> 'offline';

CREATE TABLE presence (
    id           INTEGER PRIMARY KEY,
    bot_id       INTEGER NOT NULL,
    occurred_at  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    change       TEXT    NOT NULL CHECK (change IN ('status', 'typing', 'hidden')),
    user_id      TEXT NOT NULL,
    user_name    TEXT,
    status       TEXT,
    message      TEXT,
    page         TEXT,
    device       TEXT,
    seen_at      INTEGER,
    typing_until INTEGER
);
CREATE INDEX presence_user ON presence (bot_id, user_id);
