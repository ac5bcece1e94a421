-- Takes the unique keys from jobs that run, for others that want no more than not to wait twice.
--
--   $1 uuid[]  jobs   $2 text[]  their unique keys, in the same order
--   $3 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--
-- Job rows first, in id order, then keys, as everywhere. A job gives its key up only with the key's row
-- that is seen: one that was taken back and claimed again since the statement began has another, and
-- without it would hold a key that nothing frees. Should it run again, it is a job without a key.
WITH held AS MATERIALIZED (
    SELECT j.id, u.key
    FROM unnest($1::uuid[], $2::text[]) AS u (job_id, key)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
    WHERE (j.status = 'executing' AND j.unique_key = u.key) IS TRUE
        AND (SELECT set_config('lock_timeout', $3::text, TRUE)) IS NOT NULL
    ORDER BY u.job_id
    FOR NO KEY UPDATE OF j
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING held AS h
    WHERE k.key = ANY (ARRAY[h.key]) AND k.job_id = h.id
    RETURNING k.job_id
)
UPDATE tasq.job AS j
SET unique_key = NULL
FROM freed AS f
WHERE j.id = ANY (ARRAY[f.job_id])
