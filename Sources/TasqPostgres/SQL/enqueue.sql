-- Stores new jobs and their bodies, many in one statement and so in one commit.
--
--   $1 uuid[]  ids in ascending order, made by whoever enqueues; a body has its job's id
--   $2 text[] kind   $3 bigint[] microseconds of delay, or null   $4 timestamptz[] run_at, or null
--   $5 text[] content type   $6 bytea[] headers   $7 bytea[] body   then the options of each
--
-- The options, as queue and priority, stand in JobOptions+Columns.swift. Of those that every job has,
-- and of the kinds, content types and headers, one alone counts for all jobs; delays, times and the
-- other options may be empty when there are none: taking arrays of equal values apart was a fifth of
-- the statement. Nothing is returned: the ids are known, and what is due now is by this server's
-- clock. An id that stands already fails the whole (23505), and then enqueue_again.sql says what
-- stands: ON CONFLICT costs every row a look into the index and a record in the log.
WITH input AS MATERIALIZED (
    SELECT
        u.id, coalesce(u.kind, ($2::text[])[1]) AS kind,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at,
        coalesce(u.content_type, ($5::text[])[1]) AS content_type,
        coalesce(u.headers, ($6::bytea[])[1]) AS headers, u.body,
        @option_inputs(row: u)
    FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[],
        @option_arrays)
        AS u (id, kind, delay_us, run_at, content_type, headers, body, @options)
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT i.id, i.content_type, i.headers, i.body
    FROM input AS i
)
INSERT INTO tasq.job
    (id, payload_id, kind, status, run_at, @options)
SELECT
    i.id, i.id, i.kind,
    (CASE WHEN i.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status, i.due_at,
    @options_of(row: i)
FROM input AS i
