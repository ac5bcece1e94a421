-- The body of a stored webhook event, byte for byte.
--
--   $1 uuid  the event
SELECT p.content_type, p.headers, p.body
FROM tasq.payload AS p
WHERE p.id = $1::uuid AND p.source IS NOT NULL
