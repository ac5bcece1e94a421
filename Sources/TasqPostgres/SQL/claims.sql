-- The claims that stand under a worker.
--
--   $1 uuid  the worker
--
-- Asked after a claim whose answer got lost: those the worker does not know of are handed back. It reads
-- all claims, beside a held snapshot also those that have ended: once in half a minute at most, and
-- which jobs to look up nobody knows then.
SELECT e.job_id, e.id
FROM tasq.executing_job AS e
WHERE e.worker_id = $1::uuid
