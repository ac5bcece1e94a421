-- Kinds of queued jobs that a live worker of their queue could run but has no handler for, and none
-- has: at most ten, the most frequent first.
--
-- Looks at no more than 20 000 queued jobs: as many of each queue that has a worker, those that are
-- claimed next. Queues without any worker are another matter. In the index's order from each queue's
-- name on, as in queues.sql: finished jobs lie between the queued ones in the table.
SELECT k.queue, k.kind, k.jobs
FROM (
    SELECT q.queue, q.kind, count(*) AS jobs
    FROM (
        SELECT u.queue, count(*) OVER () AS queues
        FROM (SELECT DISTINCT unnest(w.queues) AS queue FROM tasq.worker AS w) AS u
        LIMIT 1000
    ) AS s
    CROSS JOIN LATERAL (
        SELECT j.queue, j.kind
        FROM tasq.job AS j
        WHERE j.status = 'queued' AND j.queue >= s.queue
        ORDER BY j.queue, j.priority, j.run_at, j.id
        LIMIT 20000 / least(s.queues, 1000)
    ) AS q
    WHERE q.queue = s.queue
    GROUP BY q.queue, q.kind
) AS k
WHERE NOT EXISTS (
        SELECT FROM tasq.worker AS w
        WHERE k.queue = ANY (w.queues) AND (k.kind LIKE ANY (w.kinds)) IS NOT FALSE
    )
ORDER BY k.jobs DESC, k.queue, k.kind
LIMIT 10
