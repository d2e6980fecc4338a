-- Who is there: each user of a bot as last heard of, and the changes that the stream tells.

CREATE TABLE presence_now (
    bot_id       BIGINT  NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    user_name    TEXT,
    status       TEXT    NOT NULL CHECK (status IN ('online', 'away', 'busy', 'dnd', 'offline')),
    message      TEXT,
    page         TEXT,
    device       TEXT,
    said_at      BIGINT  NOT NULL,
    seen_at      BIGINT  NOT NULL,
    typing_at    BIGINT  NOT NULL,
    typing_until BIGINT  NOT NULL,
    show_status  BOOLEAN NOT NULL,
    shown_at     BIGINT  NOT NULL,
    told         TEXT    NOT NULL CHECK (told IN ('online', 'away', 'busy', 'dnd', 'offline')),
    PRIMARY KEY (bot_id, user_id)
);
CREATE INDEX presence_now_seen ON presence_now (bot_id, seen_at);
-- Those whose time may run out.
CREATE INDEX presence_now_told ON presence_now (seen_at) WHERE told <> 'offline';

CREATE TABLE presence (
    id           BIGINT  NOT NULL,
    bot_id       BIGINT  NOT NULL,
    occurred_at  BIGINT  NOT NULL,
    received_at  BIGINT  NOT NULL,
    change       TEXT    NOT NULL CHECK (change IN ('status', 'typing', 'hidden')),
    user_id      TEXT COLLATE "C" NOT NULL,
    user_name    TEXT,
    status       TEXT,
    message      TEXT,
    page         TEXT,
    device       TEXT,
    seen_at      BIGINT,
    typing_until BIGINT,
    PRIMARY KEY (bot_id, id)
);
CREATE INDEX presence_user ON presence (bot_id, user_id);
CREATE INDEX presence_id ON presence (id);
