-- Stores new jobs in the place of those that wait under their unique keys, which are cancelled.
--
--   $1 … $12 as in enqueue_unique.sql, each array as long as $1   $13 uuid[]  the jobs that wait
--   $14 text  how long a lock is waited for, in milliseconds; see there
--
-- Returns the new jobs that were stored; of one that does not come back, the other waits no more. Job
-- rows first, in id order, then keys, as everywhere. The one that waited keeps its id and its body:
-- were these changed under it, a claim that began before would run it with the old body, or
-- with none. A job is replaced only with its key's row that is seen, as in yield_key.sql.
WITH held AS MATERIALIZED (
    SELECT
        j.id AS old_id, j.attempt, u.id, u.queue, u.kind, u.priority, u.max_attempts,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at,
        u.key, u.content_type, u.headers, u.body, u.unique_key
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::text[],
        $13::uuid[])
        AS u (id, queue, kind, priority, max_attempts, delay_us, run_at, key, content_type, headers,
            body, unique_key, old_id)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.old_id])
    WHERE (j.status IN ('scheduled', 'queued') AND j.unique_key = u.unique_key) IS TRUE
        AND (SELECT set_config('lock_timeout', $14::text, TRUE)) IS NOT NULL
    ORDER BY u.old_id
    FOR NO KEY UPDATE OF j
),
taken AS (
    UPDATE tasq.unique_key AS k
    SET job_id = h.id
    FROM held AS h
    WHERE k.key = ANY (ARRAY[h.unique_key]) AND k.job_id = h.old_id
    RETURNING h.*
),
cancelled AS (
    UPDATE tasq.job AS j
    SET status = 'cancelled', finished_at = now()
    FROM taken AS t
    WHERE j.id = ANY (ARRAY[t.old_id])
),
recorded AS (
    INSERT INTO tasq.attempt AS a (job_id, claim, attempt, outcome, reason, started_at)
    SELECT t.old_id, gen_random_uuid(), t.attempt, 'cancelled', 'replaced by ' || t.id, now()
    FROM taken AS t
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT t.id, t.content_type, t.headers, t.body
    FROM taken AS t
),
jobs AS (
    INSERT INTO tasq.job
        (id, payload_id, queue, kind, status, priority, max_attempts, key, unique_key, run_at)
    SELECT
        t.id, t.id, t.queue, t.kind,
        (CASE WHEN t.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        t.priority, t.max_attempts, t.key, t.unique_key, t.due_at
    FROM taken AS t
)
SELECT t.id
FROM taken AS t
