-- What waits and runs on each queue, as queues.sql tells it, but never looking at more rows than it
-- is told to: for those who look every second, whatever the backlog.
--
--   $1 bigint  rows counted at most of each queue that has queued jobs, of all scheduled jobs and
--              of all claims   $2 bigint  queues at most
--
-- Returns the queue, whether it is paused, jobs scheduled, queued and executing, and in microseconds
-- how long the oldest due job has waited. The names of the queues come from a walk that jumps from
-- name to name in the index; DISTINCT would read every entry. The oldest job of a queue is the
-- oldest of its four priorities, each the first entry of its stretch of the index.
-- Both are asked for from there on in the index's order, and looked at afterwards: an equality, with
-- statistics that know of no queued rows, lets the planner collect and sort them all; sweep.sql says why
-- `status` is asked for twice. Claims find their jobs by id, as in queues.sql.
WITH RECURSIVE names AS (
    (
        SELECT j.queue
        FROM tasq.job AS j
        WHERE (j.status = 'queued' OR j.status = ANY ('{queued}'))
        ORDER BY j.queue, j.priority, j.run_at, j.id
        LIMIT 1
    )
    UNION ALL
    SELECT
        (
            SELECT j.queue
            FROM tasq.job AS j
            WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND j.queue > n.queue
            ORDER BY j.queue, j.priority, j.run_at, j.id
            LIMIT 1
        )
    FROM names AS n
    WHERE n.queue IS NOT NULL
),
counted AS (
    SELECT
        n.queue, 0 AS scheduled,
        (
            SELECT count(*)
            FROM (
                SELECT j.queue
                FROM tasq.job AS j
                WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND j.queue >= n.queue
                ORDER BY j.queue, j.priority, j.run_at, j.id
                LIMIT $1::bigint
            ) AS few
            WHERE few.queue = n.queue
        ) AS queued,
        0 AS executing,
        (
            SELECT min(f.run_at)
            FROM generate_series(0, 3) AS level,
                LATERAL (
                    SELECT j.queue, j.priority, j.run_at
                    FROM tasq.job AS j
                    WHERE (j.status = 'queued' OR j.status = ANY ('{queued}'))
                        AND (j.queue, j.priority) >= (n.queue, level)
                    ORDER BY j.queue, j.priority, j.run_at, j.id
                    LIMIT 1
                ) AS f
            WHERE f.queue = n.queue AND f.priority = level
        ) AS oldest
    FROM (SELECT m.queue FROM names AS m WHERE m.queue IS NOT NULL LIMIT $2::bigint) AS n
    UNION ALL
    SELECT s.queue, count(*), 0, 0, NULL
    FROM (
        SELECT j.queue
        FROM tasq.job AS j
        WHERE j.status = 'scheduled'
        ORDER BY j.run_at
        LIMIT $1::bigint
    ) AS s
    GROUP BY s.queue
    UNION ALL
    SELECT j.queue, 0, 0, count(*), NULL
    FROM (SELECT e.job_id FROM tasq.executing_job AS e LIMIT $1::bigint) AS c
    CROSS JOIN LATERAL (SELECT q.queue FROM tasq.job AS q WHERE q.id = c.job_id OFFSET 0) AS j
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
LIMIT $2::bigint
