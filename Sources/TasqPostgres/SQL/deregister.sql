-- Removes a worker that holds no claim. One that still holds some is left to the reaper, which
-- takes the claims back with it.
--
--   $1 uuid  the worker
DELETE FROM tasq.worker AS w
WHERE w.id = $1::uuid
    AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.worker_id = w.id)
