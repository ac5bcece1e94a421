-- Kinds of queued jobs that a live worker of their queue could run but has no handler for, and none
-- has: at most ten, the most frequent first.
--
-- Looks at no more than a hundred thousand queued jobs. Queues without any worker are another matter.
SELECT k.queue, k.kind, k.jobs
FROM (
    SELECT q.queue, q.kind, count(*) AS jobs
    FROM (SELECT j.queue, j.kind FROM tasq.job AS j WHERE j.status = 'queued' LIMIT 100000) AS q
    GROUP BY q.queue, q.kind
) AS k
WHERE EXISTS (SELECT FROM tasq.worker AS w WHERE k.queue = ANY (w.queues))
    AND NOT EXISTS (
        SELECT FROM tasq.worker AS w
        WHERE k.queue = ANY (w.queues) AND (k.kind LIKE ANY (w.kinds)) IS NOT FALSE
    )
ORDER BY k.jobs DESC, k.queue, k.kind
LIMIT 10
