-- One stored webhook event, without its body.
--
--   $1 uuid  its id
SELECT
    p.id, p.source, p.event_id, p.content_type, p.headers, octet_length(p.body)::bigint,
    p.received_at
FROM tasq.payload AS p
WHERE p.id = $1::uuid AND p.source IS NOT NULL
