-- Like enqueue.sql, for one new job: a tenth less time for a caller who enqueues alone.
--
--   $1 uuid id   $2 text kind   $3 bigint microseconds of delay, or null
--   $4 timestamptz run_at, or null   $5 text content type   $6 bytea headers   $7 bytea body
--   then the options
--
-- The time is computed apart, so that the status and the row say the same. An id that is there
-- already fails (23505), and then enqueue_again.sql says what stands.
WITH due AS MATERIALIZED (
    SELECT coalesce($4::timestamptz, now() + coalesce($3::bigint, 0) * interval '1 microsecond') AS due_at
),
body AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    VALUES ($1::uuid, $5::text, $6::bytea, $7::bytea)
)
INSERT INTO tasq.job
    (id, payload_id, kind, status, run_at, @options)
SELECT
    $1::uuid, $1::uuid, $2::text,
    (CASE WHEN d.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status, d.due_at,
    @option_parameters
FROM due AS d
