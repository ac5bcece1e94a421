-- Takes or renews the maintenance term, and tells its holder what it must know.
--
--   $1 uuid    who asks
--   $2 bigint  microseconds the term lasts from now
--   $3 bigint  the doorbell epoch's counter as the holder last wrote it
--
-- Also tells in how many microseconds the next scheduled job is due, and whether anything is claimed:
-- with nothing to do the holder looks less often.
-- No row: somebody else holds the term. Otherwise a row per worker, or one without a worker. Terms
-- go by this server's clock; a clock that jumps makes two holders for a while, which is harmless:
-- all that a holder does is idempotent or fenced. For the same reason a holder that is a worker loses
-- its term at once when its session lock falls, rather than when the term runs out. A lock has
-- fallen when the worker said it held one and no session holds it now: pg_locks shows a bigint key
-- as two halves.
WITH locked AS MATERIALIZED (
    SELECT (p.classid::bigint << 32) | p.objid::bigint AS key
    FROM pg_locks AS p
    JOIN pg_database AS d ON d.oid = p.database
    WHERE p.locktype = 'advisory' AND p.objsubid = 1 AND p.granted
        AND d.datname = current_database()
),
seen AS MATERIALIZED (
    SELECT w.id, w.heartbeat_seq, w.heartbeat_us, w.lease_us, w.queues,
        w.lock_held AND NOT EXISTS (
            SELECT FROM locked AS l
            WHERE l.key = ('x' || left(replace(w.id::text, '-', ''), 16))::bit(64)::bigint
        ) AS lock_fell
    FROM tasq.worker AS w
),
held AS (
    INSERT INTO tasq.leader AS l (name, holder, term, counter, expires_at)
    VALUES ('maintenance', $1::uuid, 1, $3::bigint, now() + $2::bigint * interval '1 microsecond')
    ON CONFLICT (name) DO UPDATE SET
        holder = EXCLUDED.holder,
        term = l.term + (l.holder <> EXCLUDED.holder)::int,
        counter = CASE
            WHEN l.holder = EXCLUDED.holder THEN greatest(l.counter, EXCLUDED.counter)
            ELSE l.counter
        END,
        expires_at = EXCLUDED.expires_at
    WHERE l.holder = EXCLUDED.holder OR l.expires_at < now()
        OR l.holder IN (SELECT s.id FROM seen AS s WHERE s.lock_fell)
    RETURNING l.term, l.counter
)
SELECT
    h.term, h.counter, t.value AS epoch, s.id, s.heartbeat_seq, s.heartbeat_us, s.lease_us,
    s.lock_fell,
    (
        SELECT (extract(epoch FROM j.run_at - now()) * 1000000)::bigint
        FROM tasq.job AS j
        WHERE j.status = 'scheduled'
        ORDER BY j.run_at
        LIMIT 1
    ) AS next_us,
    EXISTS (SELECT FROM tasq.executing_job) AS is_busy,
    s.queues
FROM held AS h
CROSS JOIN tasq.setting AS t
LEFT JOIN seen AS s ON TRUE
WHERE t.name = 'epoch'
