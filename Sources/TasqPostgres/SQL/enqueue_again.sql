-- Like enqueue.sql, for jobs that may stand already: repeating an enqueue whose answer got lost
-- changes nothing.
--
--   $1 … $11 as in enqueue.sql
--
-- In the ids' order, so two that repeat the same ids at once cannot deadlock.
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
