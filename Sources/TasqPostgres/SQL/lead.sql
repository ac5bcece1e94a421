-- Takes or renews the maintenance term, and tells its holder what it must know.
--
--   $1 uuid    who asks
--   $2 bigint  microseconds the term lasts from now
--   $3 bigint  the doorbell epoch's counter as the holder last wrote it
--   $4 text    the standing of another's term that whoever asks has seen abandoned, or null
--
-- Also tells in how many microseconds the next scheduled job is due, and a schedule's next tick, and
-- whether anything is claimed: with nothing to do the holder looks less often.
-- A row per worker, or one without a worker, to the holder. To anybody else one row without a term,
-- which tells how the term stands, a text that every renewal changes, and of the worker that holds it.
--
-- No clock decides whose the term is. Compared with now(), a term would stand for the hour by which
-- the clock went back, as after a failover to a host that is behind, and nobody would promote or
-- reap in that hour. So the others watch by their own clocks whether it is renewed, and take it over
-- only if it still stands as they last saw it. `expires_at` is read by nobody but people and programs
-- of before; a renewal that would leave it as it was moves it by a microsecond, as it must show.
-- Two holders for a while are harmless: all that a holder does is idempotent or fenced. For the same
-- reason a holder that is a worker loses its term at once when its session lock falls, and a term
-- that was given back (deregister.sql) has the holder nobody, the UUID of zeroes. A lock has
-- fallen when the worker said it held one on the server that answers now, and no session holds it: so
-- after a restart, a crash or a failover none has, and workers have their leases to come back in.
-- pg_locks shows a bigint key as two halves.
WITH locked AS MATERIALIZED (
    SELECT (p.classid::bigint << 32) | p.objid::bigint AS key
    FROM pg_locks AS p
    JOIN pg_database AS d ON d.oid = p.database
    WHERE p.locktype = 'advisory' AND p.objsubid = 1 AND p.granted
        AND d.datname = current_database()
),
seen AS MATERIALIZED (
    SELECT w.id, w.heartbeat_seq, w.heartbeat_us, w.lease_us, w.queues,
        w.lock_server IS NOT DISTINCT FROM @server
        AND NOT EXISTS (
            SELECT FROM locked AS l
            WHERE l.key = ('x' || left(replace(w.id::text, '-', ''), 16))::bit(64)::bigint
        ) AS lock_fell,
        CASE WHEN NOT w.lock_held THEN w.lock_server END AS presence
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
        expires_at = CASE
            WHEN l.expires_at = EXCLUDED.expires_at
                THEN EXCLUDED.expires_at + interval '1 microsecond'
            ELSE EXCLUDED.expires_at
        END
    WHERE l.holder = EXCLUDED.holder
        OR l.holder = '00000000-0000-0000-0000-000000000000'::uuid
        OR concat_ws('/', l.holder, l.term, extract(epoch FROM l.expires_at)) = $4::text
        OR l.holder IN (SELECT s.id FROM seen AS s WHERE s.lock_fell)
    RETURNING l.term, l.counter
)
SELECT
    h.term, h.counter, t.value AS epoch, s.id, s.heartbeat_seq, s.heartbeat_us, s.lease_us,
    s.lock_fell,
    CASE WHEN h.term IS NOT NULL THEN (
        SELECT (extract(epoch FROM j.run_at - now()) * 1000000)::bigint
        FROM tasq.job AS j
        WHERE j.status = 'scheduled'
        ORDER BY j.run_at
        LIMIT 1
    ) END AS next_us,
    h.term IS NOT NULL AND EXISTS (SELECT FROM tasq.executing_job) AS is_busy,
    s.queues,
    CASE
        WHEN l.name IS NOT NULL
            THEN concat_ws('/', l.holder, l.term, extract(epoch FROM l.expires_at))
    END AS standing,
    CASE WHEN h.term IS NOT NULL THEN (
        SELECT (extract(epoch FROM c.next_at - now()) * 1000000)::bigint
        FROM tasq.schedule AS c
        WHERE NOT c.paused AND c.next_at < 'infinity'
        ORDER BY c.next_at
        LIMIT 1
    ) END AS next_tick_us,
    s.presence
FROM tasq.setting AS t
LEFT JOIN held AS h ON TRUE
LEFT JOIN tasq.leader AS l ON l.name = 'maintenance' AND h.term IS NULL
LEFT JOIN seen AS s ON h.term IS NOT NULL OR s.id = l.holder
WHERE t.name = 'epoch'
