-- Makes further jobs of a stored webhook event; otherwise like enqueue_unique.sql.
--
--   $1 uuid  the event   $2 uuid[] job ids, made by whoever replays   $3 text[] kind
--   $4 text[] unique key, or null   $5 boolean  only when all its other jobs have ended
--   $6 bigint[] microseconds of delay, or null
--   $7 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--   then the options; each array as long as $2
--
-- Returns the ids that are stored now. One that does not come back met an unfinished job with its
-- unique key, or was stored by an earlier try: unique_holders.sql tells which. A row without an id
-- says that the event stands, and whether its jobs let $5 make more; without that row the event is
-- gone, and nothing was stored.
--
-- The event's row is written, though nothing in it changes: whoever deletes its last job meanwhile
-- (see delete.sql) is kept from doing so, or has done it, or sees by the row's version that there are
-- jobs its snapshot does not show. A lock alone would be gone, and leave no trace, before a delete
-- that began earlier comes to it.
WITH event AS (
    UPDATE tasq.payload AS p
    SET content_type = p.content_type
    WHERE p.id = $1::uuid AND p.source IS NOT NULL
        AND (SELECT set_config('lock_timeout', $7::text, TRUE)) IS NOT NULL
    RETURNING p.id
),
input AS MATERIALIZED (
    SELECT u.*
    FROM unnest(
        $2::uuid[], $3::text[], $4::text[], $6::bigint[], @option_arrays)
        AS u (id, kind, unique_key, delay_us, @options)
    WHERE EXISTS (SELECT FROM event)
        AND NOT ($5::boolean AND EXISTS (
            SELECT FROM tasq.job AS j
            WHERE j.payload_id = $1::uuid AND j.payload_id <> j.id AND j.id <> ALL ($2::uuid[])
                AND (j.status IN ('scheduled', 'queued', 'executing')) IS TRUE))
),
taken AS (
    INSERT INTO tasq.unique_key AS k (key, job_id)
    SELECT i.unique_key, i.id
    FROM input AS i
    WHERE i.unique_key IS NOT NULL
        AND i.id <> ALL (ARRAY(SELECT j.id FROM tasq.job AS j WHERE j.id = ANY ($2::uuid[])))
    ORDER BY i.unique_key, i.id
    ON CONFLICT (key) DO NOTHING
    RETURNING k.job_id
),
fresh AS MATERIALIZED (
    SELECT i.*
    FROM input AS i
    WHERE i.unique_key IS NULL OR i.id IN (SELECT t.job_id FROM taken AS t)
),
jobs AS (
    INSERT INTO tasq.job
        (id, payload_id, kind, status, unique_key, run_at, @options)
    SELECT
        f.id, $1::uuid, f.kind,
        (CASE WHEN f.delay_us > 0 THEN 'scheduled' ELSE 'queued' END)::tasq.job_status, f.unique_key,
        now() + coalesce(f.delay_us, 0) * interval '1 microsecond', @options_of(row: f)
    FROM fresh AS f
    ORDER BY f.id
    ON CONFLICT (id) DO NOTHING
)
SELECT f.id, true
FROM fresh AS f
UNION ALL
SELECT NULL, EXISTS (SELECT FROM input)
FROM event
