-- The histograms of times in one row for each bot and bucket of time, instead of one for each bucket of the
-- histogram: `bucket,times,` again and again, as `rollups/histogram.py` packs them. Those of months take the place
-- of the one of all time.
-- disk: 30 %

CREATE TABLE histogram_minute (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
) WITHOUT ROWID;
INSERT INTO histogram_minute
    SELECT bot_id, at,
        coalesce(group_concat(CASE measure WHEN 0 THEN bucket || ',' || times || ',' END, ''), ''),
        coalesce(group_concat(CASE measure WHEN 1 THEN bucket || ',' || times || ',' END, ''), '')
    FROM (SELECT * FROM response_minute ORDER BY bot_id, at, measure, bucket) AS one
    GROUP BY bot_id, at;
DROP TABLE response_minute;

-- step
-- Rows this long would leave a tree without rowid half empty.
CREATE TABLE histogram_hour (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_hour
    SELECT bot_id, at,
        coalesce(group_concat(CASE measure WHEN 0 THEN bucket || ',' || times || ',' END, ''), ''),
        coalesce(group_concat(CASE measure WHEN 1 THEN bucket || ',' || times || ',' END, ''), '')
    FROM (SELECT * FROM response_hour ORDER BY bot_id, at, measure, bucket) AS one
    GROUP BY bot_id, at;
DROP TABLE response_hour;

-- step
CREATE TABLE histogram_day (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_day
    SELECT bot_id, at,
        coalesce(group_concat(CASE measure WHEN 0 THEN bucket || ',' || times || ',' END, ''), ''),
        coalesce(group_concat(CASE measure WHEN 1 THEN bucket || ',' || times || ',' END, ''), '')
    FROM (SELECT * FROM response_day ORDER BY bot_id, at, measure, bucket) AS one
    GROUP BY bot_id, at;
CREATE TABLE histogram_month (
    bot_id INTEGER NOT NULL, at INTEGER NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_month
    SELECT bot_id, at,
        coalesce(group_concat(CASE measure WHEN 0 THEN bucket || ',' || times || ',' END, ''), ''),
        coalesce(group_concat(CASE measure WHEN 1 THEN bucket || ',' || times || ',' END, ''), '')
    FROM (
        SELECT bot_id, CAST(strftime('%s', at / 1000, 'unixepoch', 'start of month') AS INTEGER) * 1000 AS at,
            measure, bucket, SUM(times) AS times
        FROM response_day GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ) AS one
    GROUP BY bot_id, at;
DROP TABLE response_day;
DROP TABLE response_ever;
