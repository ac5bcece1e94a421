-- Removes remote workers that went away without a claim, and keeps where they ran; one that still
-- holds some is left to the reaper, which takes the claims back with it.
--
--   $1 uuid[]    the workers
--   $2 bigint[]  the heartbeat_seq each was seen silent at, in the same order; -1 for one that may
--                live
--   $3 uuid[]    every job that was claimed under those that were seen silent
--
-- Returns those that still stand, with their heartbeats.
--
-- Only one that was seen silent for a while: a request may just be claiming for it. How long that was
-- is judged by the caller's own clock; `seen_at` compared with now() would remove every worker that
-- waits for work when this server's clock jumps ahead. Whether it holds a claim is looked up by the
-- jobs that it may run, as in attend.sql.
WITH held AS MATERIALIZED (
    SELECT e.worker_id
    FROM tasq.executing_job AS e
    WHERE e.job_id = ANY ($3::uuid[])
),
gone AS (
    DELETE FROM tasq.worker AS w
    USING unnest($1::uuid[], $2::bigint[]) AS u(id, seq)
    WHERE w.id = u.id AND w.heartbeat_seq = u.seq
        AND w.id NOT IN (SELECT h.worker_id FROM held AS h)
    RETURNING w.id, w.host, w.pid
),
past AS (
    INSERT INTO tasq.past_worker AS p (id, host, pid)
    SELECT g.id, g.host, g.pid
    FROM gone AS g
    ORDER BY g.id
    ON CONFLICT (id) DO UPDATE SET host = EXCLUDED.host, pid = EXCLUDED.pid, ended_at = now()
)
SELECT w.id, w.heartbeat_seq, w.heartbeat_us, w.lease_us
FROM tasq.worker AS w
WHERE w.id = ANY ($1::uuid[]) AND w.id NOT IN (SELECT g.id FROM gone AS g)
