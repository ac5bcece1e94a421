-- Makes queued jobs due, or sets them back to `scheduled`, whose time lies ahead of this server's clock.
--
--   $1 text[]  queues
--   $2 bigint  how many jobs at most
--   $3 bigint  how many entries of each queue and priority it looks at, at most
--
-- Nobody queues a job before it is due: until then it is scheduled. So the clock has gone back since, as
-- after a failover to a host that is behind, and for as long as it went back nobody would claim the job.
-- Whether that clock gave the job its time, the row tells: then it was enqueued, claimed, put off, or its
-- last attempt ended, later than now, and it is due. Otherwise a right clock had put it off, and one that
-- was ahead promoted it too early: it is scheduled as before. So is one that somebody retried by hand while
-- the clock was ahead, for which no column speaks: it waits for its time, or is retried once more.
--
-- One that lies more than a day ahead was put off by hand, and is left alone: a wrong time zone comes to
-- less. What lies less than a second ahead is soon due, and may be what somebody enqueues just now.
--
-- Of each queue and priority one entry is read, the first behind the present, and more only behind one
-- that is to be moved. Equal times leave the jobs in the order of their ids. Locking in another order
-- than by id is safe as in sweep.sql, which also says why `status` is asked for twice. A job that
-- somebody has locked is left for the next look, and those behind it are reached.
WITH ahead AS MATERIALIZED (
    SELECT
        i.id,
        i.is_of_then OR coalesce((
            SELECT a.ended_at > now()
            FROM tasq.attempt AS a
            WHERE a.job_id = ANY (ARRAY[i.id]) AND a.claim = i.last_claim
        ), FALSE) AS is_due
    FROM unnest($1::text[]) AS q (queue)
    CROSS JOIN generate_series(0, 3) AS p (level)
    CROSS JOIN LATERAL (
        SELECT w.priority, w.run_at, w.id
        FROM tasq.job AS w
        WHERE (w.status = 'queued' OR w.status = ANY ('{queued}'))
            AND w.queue = q.queue
            AND (w.priority, w.run_at, w.id) > (
                p.level, now() + interval '1 second', 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        ORDER BY w.priority, w.run_at, w.id
        LIMIT 1
    ) AS f
    CROSS JOIN LATERAL (
        SELECT w.id, w.priority, w.run_at
        FROM tasq.job AS w
        WHERE (w.status = 'queued' OR w.status = ANY ('{queued}'))
            AND w.queue = q.queue
            AND (w.priority, w.run_at, w.id) >= (f.priority, f.run_at, f.id)
        ORDER BY w.priority, w.run_at, w.id
        LIMIT $3::bigint
    ) AS s
    CROSS JOIN LATERAL (
        SELECT
            l.id, l.last_claim,
            greatest(l.enqueued_at, l.claimed_at, l.put_off_at) > now() AS is_of_then
        FROM tasq.job AS l
        WHERE l.id = ANY (ARRAY[s.id])
            AND (
                l.status = 'queued'
                AND l.run_at > now() + interval '1 second'
                AND l.run_at <= now() + interval '1 day'
            ) IS TRUE
        FOR NO KEY UPDATE OF l SKIP LOCKED
    ) AS i
    WHERE f.priority = p.level AND f.run_at <= now() + interval '1 day'
        AND s.priority = p.level AND s.run_at <= now() + interval '1 day'
    LIMIT $2::bigint
)
UPDATE tasq.job AS j
SET run_at = CASE WHEN a.is_due THEN now() ELSE j.run_at END,
    status = (CASE WHEN a.is_due THEN 'queued' ELSE 'scheduled' END)::tasq.job_status
FROM ahead AS a
WHERE j.id = ANY (ARRAY[a.id])
RETURNING j.id, j.queue, j.priority, a.is_due
