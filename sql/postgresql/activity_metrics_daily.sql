-- Activities by bot, day (UTC), category, action and status. The job `views` refreshes it every hour.
DROP MATERIALIZED VIEW IF EXISTS activity_metrics_daily;
CREATE MATERIALIZED VIEW activity_metrics_daily AS
SELECT
    bot_id,
    date '1970-01-01' + (occurred_at / 86400000)::integer AS day,
    category,
    action,
    status,
    count(*) AS activities,
    count(duration_ms) AS timed,
    avg(duration_ms)::double precision AS avg_duration_ms,
    max(duration_ms) AS max_duration_ms
FROM activity
GROUP BY bot_id, occurred_at / 86400000, category, action, status;
-- So that it can be refreshed while others read it.
CREATE UNIQUE INDEX activity_metrics_daily_key ON activity_metrics_daily (bot_id, day, category, action, status);
