-- Raises the heartbeat of the remote worker that holds a claim.
--
--   $1 uuid  the job   $2 uuid  the claim   $3 text  the version remote workers register with
--
-- No row: the claim is gone, and with it the right to run. A worker that beats for itself is not
-- raised by others.
UPDATE tasq.worker AS w
SET heartbeat_seq = w.heartbeat_seq + 1, seen_at = now()
FROM tasq.executing_job AS e
WHERE e.job_id = $1::uuid AND e.id = $2::uuid AND w.id = e.worker_id AND w.version = $3::text
RETURNING w.lease_us
