-- What answers long windows, and zones whose clocks differ from others by quarters of an hour, without adding up
-- much.

CREATE TABLE message_quarter_hour (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL,
    messages_in BIGINT NOT NULL, messages_out BIGINT NOT NULL,
    response_count BIGINT NOT NULL, response_sum_ms BIGINT NOT NULL,
    wait_count BIGINT NOT NULL, wait_sum_ms BIGINT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO message_quarter_hour
    SELECT bot_id, at / 900000 * 900000, SUM(messages_in), SUM(messages_out), SUM(response_count),
        SUM(response_sum_ms), SUM(wait_count), SUM(wait_sum_ms)
    FROM message_minute GROUP BY 1, 2;

-- step
CREATE TABLE user_year (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL, user_id TEXT COLLATE "C" NOT NULL,
    messages BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
);
INSERT INTO user_year
    SELECT bot_id, (extract(epoch FROM date_trunc('year', to_timestamp(at / 1000) AT TIME ZONE 'UTC')) * 1000)::bigint,
        user_id, SUM(messages), MIN(first_at), MAX(last_at)
    FROM user_month GROUP BY 1, 2, 3;

-- step
ALTER TABLE bot_user ADD COLUMN messages BIGINT NOT NULL DEFAULT 0;
INSERT INTO bot_user (bot_id, user_id, named_at, first_at, last_at, messages)
    SELECT bot_id, user_id, -1, MIN(first_at), MAX(last_at), SUM(messages)
    FROM user_year WHERE true GROUP BY bot_id, user_id
    ON CONFLICT (bot_id, user_id) DO UPDATE SET messages = excluded.messages;

-- step
-- How many people wrote in a past bucket of some zone to some bots, whose ids stand in `bots`. It holds as long as
-- the bucket has that many messages in, and nobody was erased since.
CREATE TABLE known_users (
    bots       TEXT NOT NULL,
    start_at   BIGINT NOT NULL,
    end_at     BIGINT NOT NULL,
    users      BIGINT NOT NULL,
    messages   BIGINT NOT NULL,
    erasures   BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (bots, start_at, end_at)
);
