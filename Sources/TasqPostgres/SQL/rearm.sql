-- Queues the failed jobs of these events again, with all the attempts they had at first, so that a
-- provider's manual redelivery of an event works although the event is a duplicate. The number of the
-- attempt goes on, because systems that fence by it must not see it fall; what is given anew is a
-- budget beside it.
--
--   $1 uuid[]  events   $2 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--
-- A job of an event has an id of its own, so the index of shared bodies leads to it; IS TRUE keeps the
-- planner from walking through every job in `error` instead. What follows has settle.sql's shape;
-- there is no claim to end, a job in `error` has none. A job of a repetition has a unique key, which it
-- gave back when it ended: it takes it anew, as in retry.sql, or stays where it is if another one has it.
WITH failed AS MATERIALIZED (
    SELECT j.id
    FROM unnest($1::uuid[]) AS u (payload_id)
    CROSS JOIN LATERAL (
        SELECT s.id
        FROM tasq.job AS s
        WHERE s.payload_id = ANY (ARRAY[u.payload_id]) AND s.payload_id <> s.id
            AND (s.status = 'error') IS TRUE
        OFFSET 0
    ) AS j
),
held AS MATERIALIZED (
    SELECT j.id, j.unique_key
    FROM tasq.job AS j
    WHERE j.id = ANY (ARRAY(SELECT f.id FROM failed AS f))
        AND (j.status = 'error' AND j.attempt < 30000) IS TRUE
        AND (SELECT set_config('lock_timeout', $2::text, TRUE)) IS NOT NULL
    ORDER BY j.id
    FOR NO KEY UPDATE OF j
),
taken AS (
    INSERT INTO tasq.unique_key AS k (key, job_id)
    SELECT h.unique_key, h.id
    FROM held AS h
    WHERE h.unique_key IS NOT NULL
    ORDER BY h.unique_key, h.id
    ON CONFLICT (key) DO NOTHING
    RETURNING k.job_id
)
UPDATE tasq.job AS j
SET status = 'queued', crashes = 0, handbacks = 0, run_at = now(), finished_at = NULL, put_off_at = NULL,
    put_off_reason = NULL,
    max_attempts = least(30000, j.attempt + coalesce(j.budget, j.max_attempts)),
    budget = coalesce(j.budget, j.max_attempts)
FROM held AS h
WHERE j.id = ANY (ARRAY[h.id])
    AND (h.unique_key IS NULL OR h.id IN (SELECT t.job_id FROM taken AS t))
RETURNING j.payload_id
