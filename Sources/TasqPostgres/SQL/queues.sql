-- What waits and runs on each queue: unfinished jobs only, read from partial indexes. A queue is
-- one that has such jobs, a setting, or a worker.
--
-- Returns the queue, whether it is paused, how many jobs of it are scheduled, queued and executing,
-- and in microseconds how long the oldest of each has been overdue, has waited and has run.
--
-- There are never more claims than slots, so each claim's job is looked up by its id; OFFSET 0 keeps
-- the planner, which may know nothing of so short-lived a table, from reading all jobs instead.
WITH counted AS (
    SELECT j.queue, 0 AS scheduled, count(*) AS queued, 0 AS executing,
        NULL::timestamptz AS overdue, min(j.run_at) AS oldest, NULL::timestamptz AS running
    FROM tasq.job AS j
    WHERE j.status = 'queued'
    GROUP BY j.queue
    UNION ALL
    SELECT j.queue, count(*), 0, 0, min(j.run_at), NULL, NULL
    FROM tasq.job AS j
    WHERE j.status = 'scheduled'
    GROUP BY j.queue
    UNION ALL
    SELECT j.queue, 0, 0, count(*), NULL, NULL, min(e.claimed_at)
    FROM tasq.executing_job AS e
    CROSS JOIN LATERAL (SELECT q.queue FROM tasq.job AS q WHERE q.id = e.job_id OFFSET 0) AS j
    GROUP BY j.queue
    UNION ALL
    SELECT s.queue, 0, 0, 0, NULL, NULL, NULL
    FROM tasq.queue_setting AS s
    UNION ALL
    SELECT unnest(w.queues), 0, 0, 0, NULL, NULL, NULL
    FROM tasq.worker AS w
)
SELECT
    c.queue, coalesce(bool_or(s.paused), FALSE) AS paused, sum(c.scheduled)::bigint AS scheduled,
    sum(c.queued)::bigint AS queued, sum(c.executing)::bigint AS executing,
    (extract(epoch FROM now() - min(c.oldest)) * 1000000)::bigint AS oldest_us,
    (extract(epoch FROM now() - min(c.overdue)) * 1000000)::bigint AS overdue_us,
    (extract(epoch FROM now() - min(c.running)) * 1000000)::bigint AS running_us
FROM counted AS c
LEFT JOIN tasq.queue_setting AS s ON s.queue = c.queue
GROUP BY c.queue
ORDER BY c.queue
