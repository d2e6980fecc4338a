-- What answers long windows, and zones whose clocks differ from others by quarters of an hour, without adding up
-- much.

CREATE TABLE message_quarter_hour (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    messages_in INTEGER NOT NULL, messages_out INTEGER NOT NULL,
    response_count INTEGER NOT NULL, response_sum_ms INTEGER NOT NULL,
    wait_count INTEGER NOT NULL, wait_sum_ms INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;
INSERT INTO message_quarter_hour
    SELECT bot_id, at / 900000 * 900000, SUM(messages_in), SUM(messages_out), SUM(response_count),
        SUM(response_sum_ms), SUM(wait_count), SUM(wait_sum_ms)
    FROM message_minute GROUP BY 1, 2;

-- step
CREATE TABLE user_year (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;
INSERT INTO user_year
    SELECT bot_id, CAST(strftime('%s', at / 1000, 'unixepoch', 'start of year') AS INTEGER) * 1000, user_id,
        SUM(messages), MIN(first_at), MAX(last_at)
    FROM user_month GROUP BY 1, 2, 3;

-- step
ALTER TABLE bot_user ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
INSERT INTO bot_user (bot_id, user_id, named_at, first_at, last_at, messages)
    SELECT bot_id, user_id, -1, MIN(first_at), MAX(last_at), SUM(messages)
    FROM user_year WHERE true GROUP BY bot_id, user_id
    ON CONFLICT (bot_id, user_id) DO UPDATE SET messages = excluded.messages;

-- step
-- How many people wrote in a past bucket of some zone to some bots, whose ids stand in `bots`. It holds as long as
-- the bucket has that many messages in, and nobody was erased since.
CREATE TABLE known_users (
    bots       TEXT NOT NULL,
    start_at   INTEGER NOT NULL,
    end_at     INTEGER NOT NULL,
    users      INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    erasures   INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    PRIMARY KEY (bots, start_at, end_at)
) WITHOUT ROWID;
