-- The histograms of times in one row for each bot and bucket of time, instead of one for each bucket of the
-- histogram: `bucket,times,` again and again, as `rollups/histogram.py` packs them. Those of months take the place
-- of the one of all time.

-- What an older collector stores meanwhile is in the copy, or it isn't stored.
LOCK TABLE response_minute IN ACCESS EXCLUSIVE MODE;
CREATE TABLE histogram_minute (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_minute
    SELECT bot_id, at,
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 0), ''),
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 1), '')
    FROM response_minute
    GROUP BY bot_id, at;
DROP TABLE response_minute;

-- step
LOCK TABLE response_hour IN ACCESS EXCLUSIVE MODE;
CREATE TABLE histogram_hour (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_hour
    SELECT bot_id, at,
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 0), ''),
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 1), '')
    FROM response_hour
    GROUP BY bot_id, at;
DROP TABLE response_hour;

-- step
LOCK TABLE response_day IN ACCESS EXCLUSIVE MODE;
CREATE TABLE histogram_day (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_day
    SELECT bot_id, at,
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 0), ''),
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 1), '')
    FROM response_day
    GROUP BY bot_id, at;
CREATE TABLE histogram_month (
    bot_id BIGINT NOT NULL, at BIGINT NOT NULL,
    response_ms TEXT NOT NULL, wait_ms TEXT NOT NULL,
    PRIMARY KEY (bot_id, at)
);
INSERT INTO histogram_month
    SELECT bot_id, at,
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 0), ''),
        coalesce(string_agg(bucket || ',' || times || ',', '' ORDER BY bucket) FILTER (WHERE measure = 1), '')
    FROM (
        SELECT bot_id, (extract(epoch FROM date_trunc('month', to_timestamp(at / 1000) AT TIME ZONE 'UTC')) * 1000)::bigint AS at,
            measure, bucket, SUM(times)::bigint AS times
        FROM response_day GROUP BY 1, 2, 3, 4
    ) AS one
    GROUP BY bot_id, at;
DROP TABLE response_day;
DROP TABLE response_ever;
