-- The index of messages in parts, each a table of FTS5 with 131,072 messages or a few more, so that nothing in it takes
-- long to merge. What there is becomes the first, however large; the others are made as messages come. No trigger tells
-- them what comes, but the collector, which knows the newest.

DROP TRIGGER message_index_follows;

CREATE TABLE message_index_part (
    first_id   INTEGER PRIMARY KEY,
    messages   INTEGER NOT NULL,
    first_at   INTEGER,
    last_at    INTEGER,
    is_settled INTEGER NOT NULL
);

-- Counted as far as matters: one with more than that goes on being merged as before.
INSERT INTO message_index_part VALUES (
    0,
    (SELECT count(*) FROM (SELECT 1 FROM message LIMIT 262145)),
    (SELECT min((SELECT min(occurred_at) FROM message WHERE bot_id = bot.id)) FROM bot),
    (SELECT max((SELECT max(occurred_at) FROM message WHERE bot_id = bot.id)) FROM bot),
    0
);

INSERT INTO message_index (message_index, rank)
    SELECT setting, number FROM message_index_part
    JOIN (
        SELECT 'automerge' AS setting, 0 AS number
        UNION ALL SELECT 'usermerge', 8
        UNION ALL SELECT 'crisismerge', 512
    ) AS wanted
    WHERE messages <= 262144;
