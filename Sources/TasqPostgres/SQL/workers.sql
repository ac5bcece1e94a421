-- The registered workers and how many jobs each runs.
SELECT
    w.id, w.host, w.pid, w.queues, w.concurrency, w.version, w.heartbeat_us, w.lease_us,
    w.started_at, w.seen_at, coalesce(c.executing, 0) AS executing
FROM tasq.worker AS w
LEFT JOIN (
    SELECT e.worker_id, count(*) AS executing
    FROM tasq.executing_job AS e
    GROUP BY e.worker_id
) AS c ON c.worker_id = w.id
ORDER BY w.started_at, w.id
