-- What waits and runs on each queue, never looking at more rows than it is told to, whatever the
-- backlog. A queue is one that has unfinished jobs, a setting, or a worker.
--
--   $1 bigint  queued jobs counted at most, all queues together
--   $2 bigint  queues at most
--   $3 bigint  scheduled jobs and claims looked at, at most
--
-- Returns the queue, whether it is paused, jobs scheduled, queued and executing, in microseconds how
-- long the oldest due job has waited, the oldest scheduled one has been overdue and the oldest claim
-- has run, and whether there are more scheduled and more queued jobs than were counted.
--
-- The names of the queues come from a walk that jumps from name to name in the index; DISTINCT would
-- read every entry. Every queue is counted to twenty; those with more share $1 among them. The
-- oldest job of a queue is the oldest of its four priorities, each the first entry of its stretch of the
-- index. All are asked for from there on in the index's order, and looked at afterwards: an equality,
-- with statistics that know of no queued rows, lets the planner collect and sort them all; sweep.sql says
-- why `status` is asked for twice. Each claim's job is looked up by its id; OFFSET 0 keeps the planner,
-- which may know nothing of so short-lived a table, from reading all jobs instead.
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
few AS MATERIALIZED (
    SELECT
        n.queue,
        (
            SELECT count(*)
            FROM (
                SELECT j.queue
                FROM tasq.job AS j
                WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND j.queue >= n.queue
                ORDER BY j.queue, j.priority, j.run_at, j.id
                LIMIT 21
            ) AS f
            WHERE f.queue = n.queue
        ) AS jobs
    FROM (SELECT m.queue FROM names AS m WHERE m.queue IS NOT NULL LIMIT $2::bigint) AS n
),
share AS MATERIALIZED (
    SELECT greatest(20, $1::bigint / greatest(1, count(*))) AS jobs
    FROM few AS f
    WHERE f.jobs > 20
),
deep AS MATERIALIZED (
    SELECT
        f.queue,
        CASE
            WHEN f.jobs <= 20 THEN f.jobs
            ELSE (
                SELECT count(*)
                FROM (
                    SELECT j.queue
                    FROM tasq.job AS j
                    WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND j.queue >= f.queue
                    ORDER BY j.queue, j.priority, j.run_at, j.id
                    LIMIT (SELECT s.jobs + 1 FROM share AS s)
                ) AS d
                WHERE d.queue = f.queue
            )
        END AS jobs
    FROM few AS f
),
planned AS MATERIALIZED (
    SELECT j.queue, j.run_at
    FROM tasq.job AS j
    WHERE j.status = 'scheduled'
    ORDER BY j.run_at
    LIMIT $3::bigint + 1
),
counted AS (
    SELECT
        d.queue, 0 AS scheduled, least(d.jobs, s.jobs) AS queued, 0 AS executing,
        (
            @oldest_due(queue: d.queue)
        ) AS oldest,
        NULL::timestamptz AS overdue, NULL::timestamptz AS running, FALSE AS more_scheduled,
        d.jobs > s.jobs AS more_queued
    FROM deep AS d
    CROSS JOIN share AS s
    UNION ALL
    SELECT p.queue, count(*), 0, 0, NULL, min(p.run_at), NULL,
        (SELECT count(*) FROM planned AS a) > $3::bigint, FALSE
    FROM planned AS p
    GROUP BY p.queue
    UNION ALL
    SELECT j.queue, 0, 0, count(*), NULL, NULL, min(c.claimed_at), FALSE, FALSE
    FROM (SELECT e.job_id, e.claimed_at FROM tasq.executing_job AS e LIMIT $3::bigint) AS c
    CROSS JOIN LATERAL (SELECT q.queue FROM tasq.job AS q WHERE q.id = c.job_id OFFSET 0) AS j
    GROUP BY j.queue
    UNION ALL
    SELECT s.queue, 0, 0, 0, NULL, NULL, NULL, FALSE, FALSE
    FROM tasq.queue_setting AS s
    UNION ALL
    SELECT unnest(w.queues), 0, 0, 0, NULL, NULL, NULL, FALSE, FALSE
    FROM tasq.worker AS w
)
SELECT
    c.queue, coalesce(bool_or(s.paused), FALSE) AS paused, sum(c.scheduled)::bigint AS scheduled,
    sum(c.queued)::bigint AS queued, sum(c.executing)::bigint AS executing,
    (extract(epoch FROM now() - min(c.oldest)) * 1000000)::bigint AS oldest_us,
    (extract(epoch FROM now() - min(c.overdue)) * 1000000)::bigint AS overdue_us,
    (extract(epoch FROM now() - min(c.running)) * 1000000)::bigint AS running_us,
    bool_or(c.more_scheduled) AS more_scheduled, bool_or(c.more_queued) AS more_queued
FROM counted AS c
LEFT JOIN tasq.queue_setting AS s ON s.queue = c.queue
GROUP BY c.queue
ORDER BY c.queue
LIMIT $2::bigint
