-- The events that stand under these provider ids.
--
--   $1 text[]  sources   $2 text[]  the providers' event ids
--
-- The first from there on in the index's order, looked at afterwards: an equality would let a plan
-- that was made for an empty table walk any index that has the source somewhere.
SELECT p.source, p.event_id, p.id
FROM unnest($1::text[], $2::text[]) AS u (source, event_id)
CROSS JOIN LATERAL (
    SELECT e.source, e.event_id, e.id
    FROM tasq.payload AS e
    WHERE e.event_id IS NOT NULL AND (e.source, e.event_id) >= (u.source, u.event_id)
    ORDER BY e.source, e.event_id
    LIMIT 1
) AS p
WHERE p.source = u.source AND p.event_id = u.event_id
