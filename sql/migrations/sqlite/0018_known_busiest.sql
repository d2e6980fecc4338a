-- Who wrote most in a past day, week, month or year to some bots, whose ids stand in `bots`: a list in JSON of ids and
-- messages. It holds as long as the time has that many messages in, and nobody was erased since.
CREATE TABLE known_busiest (
    bots       TEXT NOT NULL,
    start_at   INTEGER NOT NULL,
    end_at     INTEGER NOT NULL,
    busiest    TEXT NOT NULL,
    messages   INTEGER NOT NULL,
    erasures   INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    PRIMARY KEY (bots, start_at, end_at)
) WITHOUT ROWID;
