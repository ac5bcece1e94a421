-- Calls jobs off, whether they wait or run.
--
--   $1 uuid[]  ids
--
-- One row for each that exists: `done`, `already` (it is cancelled), `wrong` (it has ended) or
-- `locked` (ask again); `status` is where it stood under the lock. The shape is settle.sql's: job
-- rows first, in id order, then the claims. A running job is cancelled by taking its claim away,
-- so whatever its worker wants to record afterwards settles nothing; `last_claim` stays as it
-- was, so nothing takes this end for the worker's own. The lock gives the row as it is now, but
-- all else is read as it was when the statement began: of a job that was claimed or retried in
-- between, the claim or the unique key would not be seen, and would stay behind for ever. So a row
-- that another transaction wrote since (its `xmin`) is `locked` too. The worker learns of it by
-- its next heartbeat (see revoked.sql). ANY as in settle.sql.
WITH locked AS MATERIALIZED (
    SELECT j.id, j.status, j.xmin AS version
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
held AS MATERIALIZED (
    SELECT l.id, l.status
    FROM locked AS l
    JOIN tasq.job AS seen ON seen.id = ANY (ARRAY[l.id])
    WHERE seen.xmin = l.version
),
gone AS (
    DELETE FROM tasq.executing_job AS e
    USING held AS h
    WHERE e.job_id = ANY (ARRAY[h.id]) AND h.status = 'executing'
    RETURNING e.job_id, e.id AS claim, e.worker_id, e.attempt, e.claimed_at
),
moved AS (
    UPDATE tasq.job AS j
    SET status = 'cancelled', finished_at = now()
    FROM held AS h
    WHERE j.id = ANY (ARRAY[h.id])
        AND (
            h.status IN ('scheduled', 'queued')
            OR h.id IN (SELECT g.job_id FROM gone AS g)
        )
    RETURNING j.id, j.unique_key
),
recorded AS (
    INSERT INTO tasq.attempt AS a
        (job_id, claim, attempt, worker_id, outcome, reason, started_at)
    SELECT g.job_id, g.claim, g.attempt, g.worker_id, 'cancelled',
        'cancelled by an operator while it ran', g.claimed_at
    FROM gone AS g
    ON CONFLICT DO NOTHING
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING moved AS m
    WHERE k.key = ANY (ARRAY[m.unique_key]) AND k.job_id = m.id
)
SELECT
    j.id, coalesce(h.status, j.status)::text AS status, j.queue, j.priority,
    CASE
        WHEN m.id IS NOT NULL THEN 'done'
        WHEN h.id IS NULL OR h.status = 'executing' THEN 'locked'
        WHEN h.status = 'cancelled' THEN 'already'
        ELSE 'wrong'
    END AS result,
    NULL::uuid AS holder
FROM tasq.job AS j
LEFT JOIN held AS h ON h.id = j.id
LEFT JOIN moved AS m ON m.id = j.id
WHERE j.id = ANY ($1::uuid[])
