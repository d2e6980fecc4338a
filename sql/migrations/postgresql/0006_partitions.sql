-- The large tables in parts by month, and the indexes that questions by time and by category ask for.

-- What is there already becomes the part of all that is past, up to the month that now begins or, where
-- something of this month is there, the next one. Afterwards the default part holds only what is newer than the
-- newest month: clocks that are ahead. `partitions.py` makes the months.
DO $$
DECLARE
    whole text;
    part text;
    here timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    bound bigint;
    is_begun boolean;
BEGIN
    FOREACH whole IN ARRAY ARRAY['message', 'activity'] LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', whole, whole || '_default');
        EXECUTE format('ALTER TABLE %I RENAME TO %I', whole || '_default', whole || '_past');
        FOR part IN SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indrelid = (whole || '_past')::regclass
        LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', part, replace(part, '_default_', '_past_'));
        END LOOP;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', whole || '_default', whole);

        bound := extract(epoch FROM here AT TIME ZONE 'UTC') * 1000;
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE occurred_at BETWEEN $1 AND $2)', whole || '_past')
            INTO is_begun USING bound, extract(epoch FROM now())::bigint * 1000;
        IF is_begun THEN
            bound := extract(epoch FROM (here + interval '1 month') AT TIME ZONE 'UTC') * 1000;
        END IF;
        EXECUTE format(
            'WITH ahead AS (DELETE FROM %I WHERE occurred_at >= $1 RETURNING *) INSERT INTO %I SELECT * FROM ahead',
            whole || '_past', whole) USING bound;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
            whole, whole || '_past', bound);
    END LOOP;
END
$$;

-- step
-- A thousandth of what another index by time would take; it spares reading the rest of a month, or of the past.
CREATE INDEX message_time ON message USING brin (occurred_at) WITH (autosummarize = on);
CREATE INDEX activity_time ON activity USING brin (occurred_at) WITH (autosummarize = on);

-- step
CREATE INDEX activity_category_status ON activity (bot_id, category, status, occurred_at);

-- step
-- For what the details hold, `details @> '{"order": 17}'`. Costs a sixth of what storing an activity does.
CREATE INDEX activity_details ON activity USING gin (details jsonb_path_ops);
