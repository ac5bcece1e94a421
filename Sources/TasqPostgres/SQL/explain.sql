-- A job and everything that decides whether it runs, read in one moment.
--
--   $1 uuid  the job
--
-- The columns of job.sql, then: this server's time; whether its queue is paused; the workers whose
-- lease has not run out; those of them that serve its queue and know its kind, with their slots and
-- how many are taken (a worker may hold more jobs than it has slots, which come to their turn in
-- some milliseconds); how the latest recorded attempt ended; how many of the first 1000 jobs of its
-- queue come before it, as queues.sql reads them (a limit that the planner does not know makes it go by
-- the order, too); the worker that holds it; how many live workers serve its queue and do not know its
-- kind; since when and why it is put off; of a job that a webhook made the source of it and the
-- provider's event id; the schedule, and its tick, that it was put in for. A heartbeat older than the
-- lease counts as silence here, by this server's clock, and so does one from the future, which was
-- written before that clock went back; whether the worker is dead, the reaper decides by its own. The
-- rows of one remote worker are one worker here, with the
-- slots that lists show: the id of a further row begins like its worker's but for the version, which is
-- 8 (RemoteStandings.swift). Workers whose own ids begin alike stay apart.
WITH live AS MATERIALIZED (
    SELECT
        r.id, r.queues, r.concurrency, r.kinds, r.is_remote, r.executing,
        CASE
            WHEN r.is_more THEN coalesce(
                min(r.id::text) FILTER (WHERE r.is_remote AND NOT r.is_more)
                    OVER (PARTITION BY r.family),
                r.family)
            ELSE r.id::text
        END AS worker
    FROM (
        SELECT
            w.id, w.queues, w.concurrency, w.kinds, w.version = 'claims/1' AS is_remote,
            w.version = 'claims/1' AND substr(w.id::text, 15, 1) = '8' AS is_more,
            overlay(left(w.id::text, 23) PLACING '8' FROM 15 FOR 1) AS family,
            coalesce(c.executing, 0) AS executing
        FROM tasq.worker AS w
        LEFT JOIN (
            SELECT e.worker_id, count(*) AS executing
            FROM tasq.executing_job AS e
            GROUP BY e.worker_id
        ) AS c ON c.worker_id = w.id
        WHERE w.seen_at > now() - w.lease_us * interval '1 microsecond'
            AND w.seen_at <= now() + w.lease_us * interval '1 microsecond'
    ) AS r
)
SELECT
    @job_columns, last.reason, now() AS as_of,
    EXISTS (SELECT FROM tasq.queue_setting AS s WHERE s.queue = j.queue AND s.paused) AS paused,
    (SELECT count(DISTINCT l.worker) FROM live AS l) AS live,
    able.workers AS serving,
    able.slots, able.taken,
    last.outcome,
    (
        SELECT count(*)
        FROM (
            SELECT a.queue, a.priority, a.run_at, a.id
            FROM tasq.job AS a
            WHERE j.status = 'queued' AND (a.status = 'queued' OR a.status = ANY ('{queued}'))
                AND a.queue >= j.queue
            ORDER BY a.queue, a.priority, a.run_at, a.id
            LIMIT (SELECT 1000)
        ) AS first
        WHERE first.queue = j.queue
            AND (first.priority, first.run_at, first.id) < (j.priority, j.run_at, j.id)
            AND first.run_at <= now()
    ) AS ahead,
    w.host, w.pid, w.seen_at,
    w.seen_at > now() - w.lease_us * interval '1 microsecond'
        AND w.seen_at <= now() + w.lease_us * interval '1 microsecond' AS is_live,
    able.unable, j.put_off_at, j.put_off_reason, p.source, p.event_id, tick.schedule, tick.tick
FROM tasq.job AS j
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
LEFT JOIN tasq.worker AS w ON w.id = e.worker_id
LEFT JOIN tasq.schedule_tick AS tick ON tick.job_id = j.id
LEFT JOIN LATERAL (
    SELECT a.outcome, a.reason
    FROM tasq.attempt AS a
    WHERE a.job_id = j.id
    ORDER BY a.ended_at DESC
    LIMIT 1
) AS last ON TRUE
-- OFFSET 0: looked up by the body's id, whatever the plan was made for.
LEFT JOIN LATERAL (
    SELECT b.source, b.event_id
    FROM tasq.payload AS b
    WHERE b.id = j.payload_id
    OFFSET 0
) AS p ON TRUE
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE k.knows) AS workers,
        coalesce(sum(k.concurrency) FILTER (WHERE k.knows), 0)::bigint AS slots,
        coalesce(sum(least(k.executing, k.concurrency)) FILTER (WHERE k.knows), 0)::bigint
            AS taken,
        count(*) FILTER (WHERE NOT k.knows) AS unable
    FROM (
        SELECT
            greatest(
                max(l.concurrency), CASE WHEN bool_or(l.is_remote) THEN sum(l.executing) END
            ) AS concurrency,
            sum(l.executing) AS executing,
            bool_or((j.kind LIKE ANY (l.kinds)) IS NOT FALSE) AS knows
        FROM live AS l
        WHERE j.queue = ANY (l.queues)
        GROUP BY l.worker
    ) AS k
) AS able
WHERE j.id = $1::uuid
