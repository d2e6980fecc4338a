-- Who wrote most in a past day, week, month or year to some bots, whose ids stand in `bots`: a list in JSON of ids and
-- messages. It holds as long as the time has that many messages in, and nobody was erased since.
CREATE TABLE known_busiest (
    bots       TEXT NOT NULL,
    start_at   BIGINT NOT NULL,
    end_at     BIGINT NOT NULL,
    busiest    TEXT NOT NULL,
    messages   BIGINT NOT NULL,
    erasures   BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (bots, start_at, end_at)
);
