-- Like enqueue.sql, for jobs that may stand already: repeating an enqueue whose answer got lost
-- changes nothing.
--
--   as in enqueue.sql
--
-- In the ids' order, so two that repeat the same ids at once cannot deadlock.
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
    ORDER BY i.id
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO tasq.job
    (id, payload_id, kind, status, run_at, @options)
SELECT
    i.id, i.id, i.kind,
    (CASE WHEN i.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status, i.due_at,
    @options_of(row: i)
FROM input AS i
ORDER BY i.id
ON CONFLICT (id) DO NOTHING
