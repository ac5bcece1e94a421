-- Removes remote workers that went away without a claim; one that still holds some is left to the
-- reaper, which takes the claims back with it.
--
--   $1 uuid[]  the workers
--
-- Returns those that still stand.
--
-- Only when the lease has run out: another server may just be claiming for the same worker.
WITH gone AS (
    DELETE FROM tasq.worker AS w
    WHERE w.id = ANY ($1::uuid[])
        AND w.seen_at < now() - w.lease_us * interval '1 microsecond'
        AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.worker_id = w.id)
    RETURNING w.id
)
SELECT w.id
FROM tasq.worker AS w
WHERE w.id = ANY ($1::uuid[]) AND w.id NOT IN (SELECT g.id FROM gone AS g)
