-- Messages by bot and hour, and how many people wrote in it. Reads the rollups: exact, and as new as these.
-- Ask for few hours where you can: users are counted for those alone.
DROP VIEW IF EXISTS message_volume_hourly;
CREATE VIEW message_volume_hourly AS
SELECT
    counts.bot_id,
    bot.name AS bot,
    to_timestamp(counts.at / 1000) AS hour,
    counts.messages_in + counts.messages_out AS messages,
    counts.messages_in,
    counts.messages_out,
    (SELECT count(*) FROM user_hour WHERE user_hour.bot_id = counts.bot_id AND user_hour.at = counts.at)
        AS unique_users,
    counts.response_sum_ms::double precision / nullif(counts.response_count, 0) AS avg_response_ms
FROM message_hour AS counts
JOIN bot ON bot.id = counts.bot_id;
