-- What large commits leave of users for others to count, by hour: one table to write instead of five.
CREATE TABLE user_waiting (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL, user_id TEXT NOT NULL,
    messages BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    user_name TEXT, named_at BIGINT NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
);
