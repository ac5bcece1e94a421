-- Takes back claims whose worker has no row any more, counting the attempt and the crash.
--
--   $1 bigint  how many claims at most
--   $2 bigint  crashes after which a job is given up
--   $3 uuid    the job behind whose claim to begin, in the order of ids, or null
--
-- Liveness is tested before LIMIT, so a dead worker's claim is reached however many live ones
-- stand before it. The shape is settle.sql's: job rows first, in id order, then the claim by its
-- own token; a job somebody has locked is left for the next look; two reapers at once, or a late
-- settlement, find nothing left to do. A claim entered between reading the orphans and deleting them
-- carries another token and is left alone. The job's age plays no part. ANY as in settle.sql.
--
-- Where there may be more, a row without a queue tells behind which job: of a page of claims whose jobs
-- somebody has locked nothing is taken, and those behind it are to be reached all the same.
WITH orphan AS MATERIALIZED (
    SELECT e.job_id, e.id
    FROM tasq.executing_job AS e
    WHERE ($3::uuid IS NULL OR e.job_id > $3::uuid) IS TRUE
        AND NOT EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = e.worker_id)
    ORDER BY e.job_id
    LIMIT $1::bigint
),
held AS MATERIALIZED (
    SELECT j.id
    FROM tasq.job AS j
    WHERE j.id = ANY (ARRAY(SELECT o.job_id FROM orphan AS o))
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
gone AS (
    DELETE FROM tasq.executing_job AS e
    USING held AS h, orphan AS o
    WHERE e.job_id = ANY (ARRAY[h.id]) AND o.job_id = h.id AND e.id = o.id
    RETURNING e.job_id, e.id AS claim, e.worker_id, e.attempt, e.claimed_at
),
taken AS (
    UPDATE tasq.job AS j
    SET
        crashes = j.crashes + 1,
        status = (CASE
            WHEN j.crashes + 1 >= $2::bigint OR j.attempt >= j.max_attempts THEN 'error'
            ELSE 'queued'
        END)::tasq.job_status,
        finished_at = CASE
            WHEN j.crashes + 1 >= $2::bigint OR j.attempt >= j.max_attempts THEN now()
        END
    FROM gone AS g
    WHERE j.id = ANY (ARRAY[g.job_id])
    RETURNING j.id, j.status, j.queue, j.priority, j.unique_key, g.worker_id, j.kind, j.attempt,
        j.max_attempts
),
recorded AS (
    INSERT INTO tasq.attempt AS a
        (job_id, claim, attempt, worker_id, outcome, reason, started_at)
    SELECT g.job_id, g.claim, g.attempt, g.worker_id, 'crashed',
        'its worker died or lost its lease', g.claimed_at
    FROM gone AS g
    ON CONFLICT DO NOTHING
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING taken AS t
    WHERE k.key = ANY (ARRAY[t.unique_key]) AND k.job_id = t.id AND t.status = 'error'
)
SELECT
    t.id, t.queue, t.priority, t.worker_id, t.status::text, t.kind, t.attempt, t.max_attempts
FROM taken AS t
UNION ALL
SELECT p.job_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (SELECT o.job_id FROM orphan AS o ORDER BY o.job_id OFFSET $1::bigint - 1 LIMIT 1) AS p
