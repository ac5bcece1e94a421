-- A stretch of the walk over all jobs in the order of their ids, and which of them have been finished for
-- longer than they are kept.
--
--   $1 uuid      after this id, or null for the first page
--   $2 bigint    jobs to look at, at most
--   $3 text[]    queues with ages of their own
--   $4 bigint[]  for how many microseconds each keeps what ended in success, or null for ever
--   $5 bigint[]  what ended in error   $6 bigint[]  what was cancelled
--   $7, $8, $9 bigint  the same three for all other queues, each null for ever
--
-- The limit is on the jobs looked at, not on those found, so a page costs the same wherever it is; as a
-- subquery for the reason that queued.sql gives. What is not finished has no time at which it ended, and
-- is never found.
--
-- Both times are this server's own. A clock that goes ahead, as after a failover to a host whose clock is
-- wrong, lets jobs go so much too early, and nothing brings them back: so whoever asks gets the time, too,
-- and compares it with his own (PruneWalk.swift). One that goes back keeps them longer by as much, and those
-- that ended while it was ahead until it has come there again.
--
-- The last row has no id: it tells the last id looked at, how many, about how many jobs there are (what the
-- last ANALYZE saw), and the time.
WITH page AS MATERIALIZED (
    SELECT j.id, j.queue, j.status, j.finished_at
    FROM tasq.job AS j
    WHERE j.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY j.id
    LIMIT (SELECT $2::bigint)
)
SELECT
    p.id, p.queue, p.status::text AS status, p.finished_at, NULL::uuid AS last,
    NULL::bigint AS examined, NULL::bigint AS estimate, NULL::timestamptz AS as_of
FROM page AS p
LEFT JOIN unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS o (queue, success, error, cancelled) ON o.queue = p.queue
WHERE p.finished_at <= now() - interval '1 microsecond' * CASE p.status
        WHEN 'success' THEN CASE WHEN o.queue IS NULL THEN $7::bigint ELSE o.success END
        WHEN 'error' THEN CASE WHEN o.queue IS NULL THEN $8::bigint ELSE o.error END
        WHEN 'cancelled' THEN CASE WHEN o.queue IS NULL THEN $9::bigint ELSE o.cancelled END
    END
UNION ALL
SELECT
    NULL, NULL, NULL, NULL, (SELECT p.id FROM page AS p ORDER BY p.id DESC LIMIT 1),
    (SELECT count(*) FROM page AS p),
    (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c WHERE c.oid = 'tasq.job'::regclass),
    now()
