-- A page of stored webhook events, newest first.
--
--   $1 uuid  before this id, or null   $2 bigint  rows at most   $3 text source, null for any
--   $4 uuid  from this id on, or null   $5 uuid  below this id, or null (ids grow with time)
SELECT
    p.id, p.source, p.event_id, p.content_type, p.headers, octet_length(p.body)::bigint,
    p.received_at
FROM tasq.payload AS p
WHERE p.source IS NOT NULL
    AND ($1::uuid IS NULL OR p.id < $1::uuid)
    AND ($3::text IS NULL OR p.source = $3::text)
    AND ($4::uuid IS NULL OR p.id >= $4::uuid)
    AND ($5::uuid IS NULL OR p.id < $5::uuid)
ORDER BY p.id DESC
LIMIT $2::bigint
