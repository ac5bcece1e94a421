-- The jobs made of a stored webhook event, newest first, at most 1000.
--
--   $1 uuid  the event
--
-- `payload_id <> id` is what the index is on; an event's jobs have ids of their own. Those of a replay by
-- filter do not grow with time.
SELECT
    j.id, j.kind, j.queue, j.status::text, j.priority, j.attempt, j.max_attempts, j.crashes, j.key,
    j.unique_key, j.payload_id, j.enqueued_at, j.run_at, j.claimed_at, j.finished_at, e.worker_id,
    (SELECT a.reason FROM tasq.attempt AS a WHERE a.job_id = j.id ORDER BY a.ended_at DESC LIMIT 1) AS reason,
    j.max_attempts - coalesce(j.budget, j.max_attempts) AS before
FROM tasq.job AS j
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
WHERE j.payload_id = $1::uuid AND j.payload_id <> j.id
ORDER BY j.enqueued_at DESC, j.id DESC
LIMIT 1000
