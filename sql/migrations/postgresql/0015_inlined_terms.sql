-- The same terms as before, at three fifths of the cost: numbers become text by what PostgreSQL knows to be
-- immutable. Only then does it put the body in the place of a call, instead of starting a query for each message.

CREATE OR REPLACE FUNCTION message_terms(
    bot_id BIGINT, direction TEXT, user_id TEXT, channel TEXT, occurred_at BIGINT, said TEXT
) RETURNS TSVECTOR LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple'::regconfig,
        replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
        CASE WHEN octet_length(said) = length(said) THEN said
            WHEN said IS NULL THEN ''
            ELSE normalize(regexp_replace(normalize(said, NFD), '[\u0300-\u036f]+', '', 'g'), NFC) END,
        '.', ' '), '/', ' '), '@', ' '), ':', ' '), '-', ' '), '_', ' '), '<', ' '), '&', ' '), '+', ' '), '~', ' '))
    || array_to_tsvector(array_remove(ARRAY[
        '@b' || bot_id::text || direction,
        '@f' || (occurred_at >> 20)::text, '@g' || (occurred_at >> 25)::text, '@h' || (occurred_at >> 31)::text,
        '@u' || user_id, '@c' || channel
    ], NULL))
$$;

-- Connections that know the indexes already would look for calls in them: a change makes them look again. This one
-- changes nothing else, and nobody waits for it.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'message_terms'::regclass LOOP
        EXECUTE format('ALTER INDEX %s ALTER COLUMN 1 SET STATISTICS -1', part);
    END LOOP;
END
$$;
