-- Like enqueue.sql, for batches in which some jobs have a unique key.
--
--   $1 … $7 as in enqueue.sql   $8 text[] unique key, or null
--   $9 text  how long a lock is waited for, in milliseconds   then the options, as in enqueue.sql
--
-- Returns the ids that are stored now. A job that does not come back met an unfinished one with
-- its unique key, or was stored by an earlier try: unique_holders.sql tells which. Keys are
-- taken in order, so two batches with the same keys cannot deadlock. A job that stands already
-- takes no key: it may be finished, and would hold the key for ever. The ids that stand
-- are asked for by themselves: NOT EXISTS is a join, and a plan made for an empty table joins all of it.
-- The wait is looked up when it begins, so what the statement itself says of it before its first lock
-- counts; it costs no further statement, and nothing of it is left in the session, which may be a pooler's.
WITH input AS MATERIALIZED (
    SELECT
        u.id, coalesce(u.kind, ($2::text[])[1]) AS kind,
        coalesce(u.run_at, now() + coalesce(u.delay_us, 0) * interval '1 microsecond') AS due_at,
        coalesce(u.content_type, ($5::text[])[1]) AS content_type,
        coalesce(u.headers, ($6::bytea[])[1]) AS headers, u.body, u.unique_key,
        @option_inputs(row: u)
    FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bytea[], $7::bytea[],
        $8::text[], @option_arrays)
        AS u (id, kind, delay_us, run_at, content_type, headers, body, unique_key, @options)
),
taken AS (
    INSERT INTO tasq.unique_key AS k (key, job_id)
    SELECT i.unique_key, i.id
    FROM input AS i
    WHERE i.unique_key IS NOT NULL
        AND i.id <> ALL (ARRAY(SELECT j.id FROM tasq.job AS j WHERE j.id = ANY ($1::uuid[])))
        AND (SELECT set_config('lock_timeout', $9::text, TRUE)) IS NOT NULL
    ORDER BY i.unique_key, i.id
    ON CONFLICT (key) DO NOTHING
    RETURNING k.job_id
),
fresh AS MATERIALIZED (
    SELECT i.*
    FROM input AS i
    WHERE i.unique_key IS NULL OR i.id IN (SELECT t.job_id FROM taken AS t)
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, headers, body)
    SELECT f.id, f.content_type, f.headers, f.body
    FROM fresh AS f
    ON CONFLICT (id) DO NOTHING
),
jobs AS (
    INSERT INTO tasq.job
        (id, payload_id, kind, status, unique_key, run_at, @options)
    SELECT
        f.id, f.id, f.kind,
        (CASE WHEN f.due_at <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        f.unique_key, f.due_at, @options_of(row: f)
    FROM fresh AS f
    ON CONFLICT (id) DO NOTHING
)
SELECT f.id
FROM fresh AS f
