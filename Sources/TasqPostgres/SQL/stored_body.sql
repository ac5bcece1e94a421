-- How a stored body describes itself, and how long it is, without its bytes.
--
--   $1 uuid  the body
--
-- The length of what is stored compressed stands beside it: nothing is unpacked for it.
SELECT p.content_type, p.headers, octet_length(p.body)::bigint
FROM tasq.payload AS p
WHERE p.id = $1::uuid
