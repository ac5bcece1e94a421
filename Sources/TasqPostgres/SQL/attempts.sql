-- The recorded attempts of a job, oldest first, at most 1000.
--
--   $1 uuid  the job
SELECT a.attempt, a.claim, a.worker_id, a.outcome, a.reason, a.started_at, a.ended_at
FROM tasq.attempt AS a
WHERE a.job_id = $1::uuid
ORDER BY a.started_at, a.ended_at
LIMIT 1000
