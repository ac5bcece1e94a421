-- Removes a worker that holds no claim, and with it the maintenance term if it holds that: others
-- need not wait for it to run out. One that still holds some is left to the reaper, which takes the
-- claims back with it.
--
--   $1 uuid  the worker
WITH gone AS (
    DELETE FROM tasq.worker AS w
    WHERE w.id = $1::uuid
        AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.worker_id = w.id)
)
UPDATE tasq.leader AS l
SET expires_at = now()
WHERE l.holder = $1::uuid
