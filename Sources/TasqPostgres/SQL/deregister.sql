-- Removes a worker that holds no claim, keeps where it ran, and gives the maintenance term back if it
-- holds that: others need not watch it stand still. One that still holds some is left to the reaper,
-- which takes the claims back with it. All claims are read for that, once in a worker's life.
--
--   $1 uuid  the worker
--
-- The term's holder is nobody then, the UUID of zeroes, whatever a clock says. The row stays: it
-- keeps the counter of the doorbell's epoch. Programs of before take a term whose time is over.
WITH gone AS (
    DELETE FROM tasq.worker AS w
    WHERE w.id = $1::uuid
        AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.worker_id = w.id)
    RETURNING w.id, w.host, w.pid
),
past AS (
    INSERT INTO tasq.past_worker AS p (id, host, pid)
    SELECT g.id, g.host, g.pid
    FROM gone AS g
    ON CONFLICT (id) DO UPDATE SET host = EXCLUDED.host, pid = EXCLUDED.pid, ended_at = now()
)
UPDATE tasq.leader AS l
SET holder = '00000000-0000-0000-0000-000000000000'::uuid, expires_at = now()
WHERE l.holder = $1::uuid
