-- Every schedule by name, the first 10 000.
--
--   $1 text  one name alone, or null
SELECT
    s.name, s.cron, s.zone, s.clock_change, s.missed, s.jitter_us, s.starts_at, s.ends_at, s.kind,
    s.payload, @options_of(row: s), s.paused, s.configured,
    nullif(s.next_at, 'infinity') AS next_at, s.planned, s.last_tick, s.problem, s.version
FROM tasq.schedule AS s
WHERE $1::text IS NULL OR s.name = $1::text
ORDER BY s.name
LIMIT 10000
