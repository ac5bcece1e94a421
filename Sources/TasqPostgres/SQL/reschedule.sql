-- Gives jobs that wait under a unique key the times of others that came with it.
--
--   $1 uuid[]  the jobs that wait   $2 text[]  their unique keys
--   $3 bigint[] microseconds of delay, or null   $4 timestamptz[] run_at, or null
--   $5 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--
-- Returns the jobs that were changed; one that does not come back waits no more. A claim that began
-- before looks at the row again once it has its lock, and finds it not due.
WITH held AS MATERIALIZED (
    SELECT
        j.id,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[])
        AS u (job_id, unique_key, delay_us, run_at)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
    WHERE (j.status IN ('scheduled', 'queued') AND j.unique_key = u.unique_key) IS TRUE
        AND (SELECT set_config('lock_timeout', $5::text, TRUE)) IS NOT NULL
    ORDER BY u.job_id
    FOR NO KEY UPDATE OF j
)
UPDATE tasq.job AS j
SET run_at = h.due_at, put_off_reason = NULL,
    status = (CASE WHEN h.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status
FROM held AS h
WHERE j.id = ANY (ARRAY[h.id])
RETURNING j.id
