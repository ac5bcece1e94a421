-- Stores new jobs and their bodies, many in one statement and so in one commit.
--
--   $1 uuid[]  ids in ascending order, made by whoever enqueues; a body has its job's id
--   $2 text[] queue   $3 text[] kind   $4 bigint[] priority   $5 bigint[] max_attempts
--   $6 bigint[] microseconds of delay, or null   $7 timestamptz[] run_at, or null
--   $8 text[] key, or null   $9 text[] content type   $10 bytea[] headers   $11 bytea[] body
--
-- Of the queues, kinds, priorities, attempts, content types and headers one alone counts for all
-- jobs; delays, times and keys may be empty when there are none: taking arrays of equal values
-- apart was a fifth of the statement. Nothing is returned: the ids are known, and what is due now
-- is by this server's clock. An id that stands already fails the whole (23505), and then
-- enqueue_again.sql says what stands: ON CONFLICT costs every row a look into the index and a record
-- in the log.
WITH input AS MATERIALIZED (
    SELECT
        u.id, coalesce(u.queue, ($2::text[])[1]) AS queue, coalesce(u.kind, ($3::text[])[1]) AS kind,
        coalesce(u.priority, ($4::bigint[])[1]) AS priority,
        coalesce(u.max_attempts, ($5::bigint[])[1]) AS max_attempts,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at,
        u.key, coalesce(u.content_type, ($9::text[])[1]) AS content_type,
        coalesce(u.headers, ($10::bytea[])[1]) AS headers, u.body
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])
        AS u (id, queue, kind, priority, max_attempts, delay_us, run_at, key, content_type, headers, body)
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT i.id, i.content_type, i.headers, i.body
    FROM input AS i
)
INSERT INTO tasq.job
    (id, payload_id, queue, kind, status, priority, max_attempts, key, run_at)
SELECT
    i.id, i.id, i.queue, i.kind,
    (CASE WHEN i.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
    i.priority, i.max_attempts, i.key, i.due_at
FROM input AS i
