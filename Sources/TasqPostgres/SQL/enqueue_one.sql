-- Like enqueue.sql, for one new job: a tenth less time for a caller who enqueues alone.
--
--   $1 uuid id   $2 text queue   $3 text kind   $4 bigint priority   $5 bigint max_attempts
--   $6 bigint microseconds of delay, or null   $7 timestamptz run_at, or null
--   $8 text key, or null   $9 text content type   $10 bytea headers   $11 bytea body
--
-- The time is computed apart, so that the status and the row say the same. An id that is there
-- already fails (23505), and then enqueue_again.sql says what stands.
WITH due AS MATERIALIZED (
    SELECT coalesce($7::timestamptz, now() + coalesce($6::bigint, 0) * interval '1 microsecond') AS due_at
),
body AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    VALUES ($1::uuid, $9::text, $10::bytea, $11::bytea)
)
INSERT INTO tasq.job
    (id, payload_id, queue, kind, status, priority, max_attempts, key, run_at)
SELECT
    $1::uuid, $1::uuid, $2::text, $3::text,
    (CASE WHEN d.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
    $4::bigint, $5::bigint, $8::text, d.due_at
FROM due AS d
