-- What large commits leave of users for others to count, by hour: one table to write instead of five.
CREATE TABLE user_waiting (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL, user_id TEXT NOT NULL,
    messages INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    user_name TEXT, named_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, at, user_id)
) WITHOUT ROWID;
