-- Removes a worker that holds no claim, and gives the maintenance term back if it holds that: others
-- need not watch it stand still. One that still holds some is left to the reaper, which takes the
-- claims back with it.
--
--   $1 uuid  the worker
--
-- The term's holder is nobody then, the UUID of zeroes, whatever a clock says. The row stays: it
-- keeps the counter of the doorbell's epoch. Programs of before take a term whose time is over.
WITH gone AS (
    DELETE FROM tasq.worker AS w
    WHERE w.id = $1::uuid
        AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.worker_id = w.id)
)
UPDATE tasq.leader AS l
SET holder = '00000000-0000-0000-0000-000000000000'::uuid, expires_at = now()
WHERE l.holder = $1::uuid
