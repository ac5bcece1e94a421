-- Deletes a worker that has not beaten since it was last looked at, and keeps where it ran.
--
--   $1 uuid    the worker
--   $2 bigint  its heartbeat_seq as seen
--
-- No row: it lives. Its claims are taken back by reap.sql, in transactions of their own. Rows of
-- workers are locked before those of past ones, here and wherever both are written.
WITH gone AS (
    DELETE FROM tasq.worker AS w
    WHERE w.id = $1::uuid AND w.heartbeat_seq = $2::bigint
    RETURNING w.id, w.host, w.pid
),
past AS (
    INSERT INTO tasq.past_worker AS p (id, host, pid)
    SELECT g.id, g.host, g.pid
    FROM gone AS g
    ON CONFLICT (id) DO UPDATE SET host = EXCLUDED.host, pid = EXCLUDED.pid, ended_at = now()
)
SELECT g.id
FROM gone AS g
