-- Whoever keeps vacuum from removing dead rows, the oldest first, at most ten.
--
-- One old transaction stops it for all tables, and a queue's tables die by the thousand. Only what
-- is needed to find the culprit: of its query no more than stands before the first quote or dollar,
-- without long numbers, for what follows may be somebody's secret.
SELECT h.what, h.name, h.pid, h.state, h.since, h.query_start, h.seconds, h.query
FROM (
    SELECT 'session' AS what, coalesce(nullif(a.application_name, ''), 'unnamed') AS name,
        a.pid::bigint, a.state, a.xact_start AS since, a.query_start,
        extract(epoch FROM clock_timestamp() - a.xact_start)::bigint AS seconds,
        left(regexp_replace(regexp_replace(
            split_part(split_part(a.query, '''', 1), '$', 1),
            '[[:space:][:cntrl:]]+', ' ', 'g'), '[0-9]{5,}', '…', 'g'), 120) AS query
    FROM pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
        AND a.backend_type <> 'autovacuum worker'
        AND a.xact_start IS NOT NULL
    UNION ALL
    SELECT 'prepared transaction', p.gid, NULL, NULL, p.prepared, NULL,
        extract(epoch FROM clock_timestamp() - p.prepared)::bigint, NULL
    FROM pg_prepared_xacts AS p
    WHERE p.database = current_database()
    UNION ALL
    SELECT 'replication slot', s.slot_name::text, s.active_pid::bigint,
        CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL, NULL, NULL, NULL
    FROM pg_replication_slots AS s
    WHERE s.xmin IS NOT NULL AND NOT s.active
) AS h
ORDER BY h.seconds DESC NULLS FIRST
LIMIT 10
