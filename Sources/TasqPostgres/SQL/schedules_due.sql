-- Schedules whose next tick has come, or is not known yet, the longest due first.
--
--   $1 bigint  how many at most
--
-- The columns of schedules.sql, then this server's time. The last row has no name and carries the
-- microseconds until the next tick of the others, null when there is none. Nothing is locked:
-- schedules_fire.sql writes only what nobody has changed since.
(
    SELECT
        s.name, s.cron, s.zone, s.clock_change, s.missed, s.jitter_us, s.starts_at, s.ends_at,
        s.kind, s.payload, @options_of(row: s), s.paused, s.configured,
        nullif(s.next_at, 'infinity') AS next_at, s.planned, s.last_tick, s.problem, s.version,
        now() AS as_of, NULL::bigint AS next_us
    FROM tasq.schedule AS s
    WHERE NOT s.paused AND s.next_at <= now()
    ORDER BY s.next_at
    LIMIT $1::bigint
)
UNION ALL
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    @options_place(queue: NULL, priority: NULL), NULL, NULL, NULL, NULL, NULL, NULL, NULL, now(),
    (extract(epoch FROM min(s.next_at) - now()) * 1000000)::bigint
FROM tasq.schedule AS s
WHERE NOT s.paused AND s.next_at > now() AND s.next_at < 'infinity'
