-- Stores new jobs in the place of those that wait under their unique keys, which are cancelled.
--
--   $1 … $8 as in enqueue_unique.sql   $9 uuid[]  the jobs that wait
--   $10 text  how long a lock is waited for, in milliseconds; see there
--   then the options; each array as long as $1
--
-- Returns the new jobs that were stored; of one that does not come back, the other waits no more. Job
-- rows first, in id order, then keys, as everywhere. The one that waited keeps its id and its body:
-- were these changed under it, a claim that began before would run it with the old body, or
-- with none. A job is replaced only with its key's row that is seen, as in yield_key.sql.
WITH held AS MATERIALIZED (
    SELECT
        j.id AS old_id, j.attempt, u.id, u.kind,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at,
        u.content_type, u.headers, u.body, u.unique_key, @options_of(row: u)
    FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[],
        $8::text[], $9::uuid[], @option_arrays)
        AS u (id, kind, delay_us, run_at, content_type, headers, body, unique_key, old_id, @options)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.old_id])
    WHERE (j.status IN ('scheduled', 'queued') AND j.unique_key = u.unique_key) IS TRUE
        AND (SELECT set_config('lock_timeout', $10::text, TRUE)) IS NOT NULL
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
        (id, payload_id, kind, status, unique_key, run_at, @options)
    SELECT
        t.id, t.id, t.kind,
        (CASE WHEN t.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        t.unique_key, t.due_at, @options_of(row: t)
    FROM taken AS t
)
SELECT t.id
FROM taken AS t
