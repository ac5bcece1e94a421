-- The events that stand under these provider ids.
--
--   $1 text[]  sources   $2 text[]  the providers' event ids
SELECT p.source, p.event_id, p.id
FROM tasq.payload AS p
JOIN unnest($1::text[], $2::text[]) AS u (source, event_id)
    ON u.source = p.source AND u.event_id = p.event_id
WHERE p.event_id IS NOT NULL
