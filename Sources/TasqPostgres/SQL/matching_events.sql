-- A stretch of the walk over all stored webhook events in the order of their ids, and which match.
--
--   $1 uuid  after this id, or null for the first page
--   $2 bigint  events to look at, at most   $3 bigint  events that match, at most
--   $4 text source   $5 text  a status that a job of theirs is in, each null for any
--   $6 uuid  from this id on, or null   $7 uuid  below this id, or null (ids grow with time)
--   $8 timestamptz  stored before
--
-- As matching.sql, but that a page also ends with the last event that it may match: what follows it
-- was not looked at. Of each event the first hundred jobs count, as in event_outcomes.sql. The last row has
-- no id: it tells the last id looked at, and how many.
WITH page AS MATERIALIZED (
    SELECT p.id, p.source, p.received_at
    FROM tasq.payload AS p
    WHERE p.source IS NOT NULL
        AND p.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
        AND p.id >= coalesce($6::uuid, '00000000-0000-0000-0000-000000000000')
        AND p.id < coalesce($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ORDER BY p.id
    LIMIT $2::bigint
),
found AS MATERIALIZED (
    SELECT p.id
    FROM page AS p
    WHERE ($4::text IS NULL OR p.source = $4::text)
        AND p.received_at < $8::timestamptz
        AND (
            $5::text IS NULL
            OR EXISTS (
                SELECT FROM (
                    SELECT j.status
                    FROM tasq.job AS j
                    WHERE j.payload_id = p.id AND j.payload_id <> j.id
                    LIMIT 100
                ) AS s
                WHERE s.status::text = $5::text)
        )
    ORDER BY p.id
    LIMIT $3::bigint
),
seen AS MATERIALIZED (
    SELECT p.id
    FROM page AS p
    WHERE (SELECT count(*) FROM found AS f) < $3::bigint
        OR p.id <= (SELECT f.id FROM found AS f ORDER BY f.id DESC LIMIT 1)
)
SELECT f.id, NULL::uuid AS last, NULL::bigint AS examined
FROM found AS f
UNION ALL
SELECT NULL, (SELECT s.id FROM seen AS s ORDER BY s.id DESC LIMIT 1), (SELECT count(*) FROM seen AS s)
