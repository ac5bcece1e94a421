-- Queues jobs that ended in `error` or were cancelled, or wait for their time, to run now.
--
--   $1 uuid[]  ids   $2 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--
-- One row for each that exists: `done`, `already` (it is queued), `wrong`, `taken` (another
-- unfinished job holds its unique key: `holder`), `spent` (30 000 attempts, the most there can be)
-- or `locked` (somebody has its row for a moment: ask again); `status` is where it stood under
-- the lock. Job rows are locked first and in id order, as everywhere (see claim.sql), and what is
-- locked is skipped, so an operator waits for nobody and nobody for him; a key cannot be skipped.
-- A job whose attempts are used up gets room for one more; the count goes on, because systems
-- that fence by it must not see it fall. What it lived through as a suspect stays with it too: it
-- runs alone once more. A finished job gave its unique key back, so it takes it anew, in the keys'
-- order: two that take the same keys cannot deadlock. ANY as in settle.sql.
WITH held AS MATERIALIZED (
    SELECT j.id, j.status, j.queue, j.priority, j.attempt, j.unique_key
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
taken AS (
    INSERT INTO tasq.unique_key AS k (key, job_id)
    SELECT h.unique_key, h.id
    FROM held AS h
    WHERE h.unique_key IS NOT NULL AND h.status IN ('error', 'cancelled') AND h.attempt < 30000
        AND (SELECT set_config('lock_timeout', $2::text, TRUE)) IS NOT NULL
    ORDER BY h.unique_key, h.id
    ON CONFLICT (key) DO NOTHING
    RETURNING k.job_id
),
moved AS (
    UPDATE tasq.job AS j
    SET status = 'queued', run_at = now(), finished_at = NULL, handbacks = 0, put_off_at = NULL,
        put_off_reason = NULL,
        max_attempts = greatest(j.max_attempts, j.attempt + 1),
        budget = CASE
            WHEN j.attempt >= j.max_attempts THEN coalesce(j.budget, j.max_attempts) ELSE j.budget
        END
    FROM held AS h
    WHERE j.id = ANY (ARRAY[h.id])
        AND h.attempt < 30000
        AND (
            h.status = 'scheduled'
            OR (
                h.status IN ('error', 'cancelled')
                AND (h.unique_key IS NULL OR h.id IN (SELECT t.job_id FROM taken AS t))
            )
        )
    RETURNING j.id
)
SELECT
    j.id, coalesce(h.status, j.status)::text AS status, j.queue, j.priority,
    CASE
        WHEN m.id IS NOT NULL THEN 'done'
        WHEN h.id IS NULL THEN 'locked'
        WHEN h.status = 'queued' THEN 'already'
        WHEN h.status IN ('executing', 'success') THEN 'wrong'
        WHEN h.attempt >= 30000 THEN 'spent'
        ELSE 'taken'
    END AS result,
    k.job_id AS holder
FROM tasq.job AS j
LEFT JOIN held AS h ON h.id = j.id
LEFT JOIN moved AS m ON m.id = j.id
LEFT JOIN tasq.unique_key AS k ON k.key = ANY (ARRAY[h.unique_key]) AND k.job_id <> j.id
WHERE j.id = ANY ($1::uuid[])
