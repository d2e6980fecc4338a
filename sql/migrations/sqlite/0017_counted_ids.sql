-- How far messages are counted into the rollups: a commit may leave that to others. The other column gets a new
-- name, so that an older collector, which counts all it stores and says nothing of it, stores nothing any more.
ALTER TABLE event_sequence RENAME COLUMN last_id TO reserved_id;
ALTER TABLE event_sequence ADD COLUMN counted_id BIGINT NOT NULL DEFAULT 0;
UPDATE event_sequence SET counted_id = reserved_id;
