-- disk: 100 %
-- The index of messages: words of the text, and marks by which a page finds its messages: the bot with the
-- direction, the user, the channel, and blocks of time of three lengths (17 minutes, 9 hours, 25 days).

-- The words are without diacritics, and without what the parser would take for addresses, paths or signs of
-- numbers: so no word begins with an @, and all marks do.
CREATE FUNCTION message_terms(
    bot_id BIGINT, direction TEXT, user_id TEXT, channel TEXT, occurred_at BIGINT, said TEXT
) RETURNS TSVECTOR LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple'::regconfig, translate(
        CASE WHEN octet_length(said) = length(said) THEN said
            WHEN said IS NULL THEN ''
            ELSE normalize(regexp_replace(normalize(said, NFD), '[\u0300-\u036f]+', '', 'g'), NFC) END,
        './@:-_<&+~', '          '))
    || array_to_tsvector(array_remove(ARRAY[
        '@b' || bot_id || direction,
        '@f' || (occurred_at >> 20), '@g' || (occurred_at >> 25), '@h' || (occurred_at >> 31),
        '@u' || user_id, '@c' || channel
    ], NULL))
$$;

-- step
CREATE INDEX message_terms ON message
    USING gin (message_terms(bot_id, direction, user_id, channel, occurred_at, text));
