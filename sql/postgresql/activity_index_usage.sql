-- Each index of this schema, its parts by month taken together: how often it was used, and what it takes on disk.
DROP VIEW IF EXISTS activity_index_usage;
CREATE VIEW activity_index_usage AS
SELECT
    indrelid::regclass::text AS table_name,
    indexrelid::regclass::text AS index_name,
    indisunique AS is_unique,
    used.scans,
    used.rows_read,
    used.size_bytes,
    pg_get_indexdef(indexrelid) AS definition
FROM (
    SELECT
        coalesce(whole.inhparent, part.indexrelid) AS index,
        sum(part.idx_scan)::bigint AS scans,
        sum(part.idx_tup_read)::bigint AS rows_read,
        sum(pg_relation_size(part.indexrelid))::bigint AS size_bytes
    FROM pg_stat_user_indexes AS part
    LEFT JOIN pg_inherits AS whole ON whole.inhrelid = part.indexrelid
    WHERE part.schemaname = current_schema()
    GROUP BY coalesce(whole.inhparent, part.indexrelid)
) AS used
JOIN pg_index ON indexrelid = used.index;
