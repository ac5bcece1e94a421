-- The registered workers and how many jobs each runs.
SELECT
    w.id, w.host, w.pid, w.queues, w.concurrency, w.version, w.heartbeat_us, w.lease_us,
    w.started_at, w.seen_at,
    (SELECT count(*) FROM tasq.executing_job AS e WHERE e.worker_id = w.id) AS executing
FROM tasq.worker AS w
ORDER BY w.started_at, w.id
