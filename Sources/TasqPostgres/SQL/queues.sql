-- What waits and runs on each queue: unfinished jobs only, read from partial indexes.
WITH counted AS (
    SELECT j.queue, 0 AS scheduled, count(*) AS queued, 0 AS executing, min(j.run_at) AS oldest
    FROM tasq.job AS j
    WHERE j.status = 'queued'
    GROUP BY j.queue
    UNION ALL
    SELECT j.queue, count(*), 0, 0, NULL
    FROM tasq.job AS j
    WHERE j.status = 'scheduled'
    GROUP BY j.queue
    UNION ALL
    SELECT j.queue, 0, 0, count(*), NULL
    FROM tasq.executing_job AS e
    JOIN tasq.job AS j ON j.id = e.job_id
    GROUP BY j.queue
    UNION ALL
    SELECT s.queue, 0, 0, 0, NULL
    FROM tasq.queue_setting AS s
)
SELECT
    c.queue, coalesce(bool_or(s.paused), FALSE) AS paused, sum(c.scheduled)::bigint AS scheduled,
    sum(c.queued)::bigint AS queued, sum(c.executing)::bigint AS executing,
    (extract(epoch FROM now() - min(c.oldest)) * 1000000)::bigint AS oldest_us
FROM counted AS c
LEFT JOIN tasq.queue_setting AS s ON s.queue = c.queue
GROUP BY c.queue
ORDER BY c.queue
