-- The floor of single enqueues: pgbench inserts one job with its body in one statement, as
-- enqueue.sql does for one job, the same columns, no program in between.
--
--   :body  the body's text, from the client each time
WITH input AS MATERIALIZED (
    SELECT tasq.uuid_v7() AS id
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT i.id, 'application/octet-stream', ''::bytea, :body::bytea
    FROM input AS i
)
INSERT INTO tasq.job
    (id, payload_id, queue, kind, status, priority, max_attempts, key, run_at)
SELECT i.id, i.id, 'default', 'bench', 'queued', 1, 20, NULL, now()
FROM input AS i;
