-- Stores new jobs and their bodies, many in one statement and so in one commit.
--
--   $1 uuid[]  ids, made by whoever enqueues; a body has its job's id
--   $2 text[] queue   $3 text[] kind   $4 bigint[] priority   $5 bigint[] max_attempts
--   $6 bigint[] microseconds of delay, or null   $7 timestamptz[] run_at, or null
--   $8 text[] key, or null   $9 text[] content type   $10 bytea[] headers   $11 bytea[] body
--
-- Nothing is returned: the ids are known, and what is due now is by this server's clock. ON
-- CONFLICT: repeating an enqueue whose answer got lost changes nothing; in the ids' order, so two
-- that repeat the same ids at once cannot deadlock.
WITH input AS MATERIALIZED (
    SELECT u.*, coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::text[], $9::text[], $10::bytea[], $11::bytea[])
        AS u (id, queue, kind, priority, max_attempts, delay_us, run_at, key, content_type, headers, body)
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT i.id, i.content_type, i.headers, i.body
    FROM input AS i
    ORDER BY i.id
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO tasq.job
    (id, payload_id, queue, kind, status, priority, max_attempts, key, run_at)
SELECT
    i.id, i.id, i.queue, i.kind,
    (CASE WHEN i.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
    i.priority, i.max_attempts, i.key, i.due_at
FROM input AS i
ORDER BY i.id
ON CONFLICT (id) DO NOTHING
