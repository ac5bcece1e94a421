-- The floor of bulk enqueues: pgbench inserts a batch of jobs with their bodies in one statement,
-- the same columns as enqueue.sql. The server repeats the body, so less comes over the wire than
-- a program sends.
--
--   :batch  rows of one statement   :body  the body's text
WITH input AS MATERIALIZED (
    SELECT tasq.uuid_v7() AS id
    FROM generate_series(1, :batch::int)
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
