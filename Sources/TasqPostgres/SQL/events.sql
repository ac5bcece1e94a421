-- A page of stored webhook events, newest first.
--
--   $1 uuid  before this id, or null   $2 bigint  rows at most   $3 text source, null for any
--   $4 uuid  from this id on, or null   $5 uuid  below this id, or null (ids grow with time)
--   $6 bigint  events looked at, at most
--
-- The walk ends after $6 events, however few are of the source; the one it ended at then comes as a
-- row of its own, with `is_stop`, as in jobs.sql.
WITH found AS MATERIALIZED (
    SELECT w.id
    FROM (
        SELECT p.id, p.source
        FROM tasq.payload AS p
        WHERE p.source IS NOT NULL
            AND ($1::uuid IS NULL OR p.id < $1::uuid)
            AND ($4::uuid IS NULL OR p.id >= $4::uuid)
            AND ($5::uuid IS NULL OR p.id < $5::uuid)
        ORDER BY p.id DESC
        LIMIT $6::bigint
    ) AS w
    WHERE $3::text IS NULL OR w.source = $3::text
    ORDER BY w.id DESC
    LIMIT $2::bigint
),
page AS MATERIALIZED (
    SELECT f.id, FALSE AS is_stop
    FROM found AS f
    UNION ALL
    (
        SELECT p.id, TRUE
        FROM tasq.payload AS p
        WHERE p.source IS NOT NULL
            AND (SELECT count(*) FROM found AS f) < $2::bigint
            AND ($1::uuid IS NULL OR p.id < $1::uuid)
            AND ($4::uuid IS NULL OR p.id >= $4::uuid)
            AND ($5::uuid IS NULL OR p.id < $5::uuid)
        ORDER BY p.id DESC
        OFFSET $6::bigint - 1
        LIMIT 1
    )
)
SELECT
    p.id, p.source, p.event_id, p.content_type, p.headers, octet_length(p.body)::bigint,
    p.received_at, f.is_stop
FROM page AS f
JOIN tasq.payload AS p ON p.id = ANY (ARRAY[f.id])
ORDER BY f.is_stop, p.id DESC
