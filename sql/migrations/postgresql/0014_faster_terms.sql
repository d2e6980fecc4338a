-- The same terms as before, at two thirds of the cost: one replacement after the other takes a ninth of what
-- translate() takes, which looks for each sign of a text in its whole list.

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
        '@b' || bot_id || direction,
        '@f' || (occurred_at >> 20), '@g' || (occurred_at >> 25), '@h' || (occurred_at >> 31),
        '@u' || user_id, '@c' || channel
    ], NULL))
$$;
