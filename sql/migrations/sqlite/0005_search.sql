-- disk: 100 %
-- The index of messages: words of the text, and marks by which a page finds its messages: the bot with the
-- direction, the user, the channel, and blocks of time of three lengths (17 minutes, 9 hours, 25 days).

CREATE VIEW message_indexed AS
SELECT id, text,
    'b' || bot_id || direction
    || ' f' || (occurred_at >> 20) || ' g' || (occurred_at >> 25) || ' h' || (occurred_at >> 31)
    || coalesce(' u' || hex(user_id), '') || coalesce(' c' || hex(channel), '') AS marks
FROM message;

-- The text itself stands in `message` alone.
CREATE VIRTUAL TABLE message_index USING fts5 (
    text, marks, content = 'message_indexed', content_rowid = 'id', columnsize = 0,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);

-- One row: the messages up to this id are in the index. To move it on takes the next ones in, many by one
-- statement, which costs a fifth of a trigger for each row.
CREATE TABLE message_index_state (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    upto INTEGER NOT NULL
);
INSERT INTO message_index_state VALUES (1, 0);

CREATE TRIGGER message_index_follows AFTER UPDATE ON message_index_state BEGIN
    INSERT INTO message_index (rowid, text, marks)
        SELECT id, text, marks FROM message_indexed WHERE id > old.upto AND id <= new.upto ORDER BY id;
END;

-- step: repeat
UPDATE message_index_state SET upto = (
    SELECT max(id) FROM (SELECT id FROM message WHERE id > message_index_state.upto ORDER BY id LIMIT 2000)
) WHERE EXISTS (SELECT 1 FROM message WHERE id > message_index_state.upto);
