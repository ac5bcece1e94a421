-- Some bytes of a stored body.
--
--   $1 uuid  the body   $2 bigint  bytes before them   $3 bigint  how many at most
--
-- A part of a body is read without the rest of it, so neither this side nor the wire ever holds a large
-- one whole.
SELECT substring(p.body FROM ($2::bigint)::int + 1 FOR ($3::bigint)::int)
FROM tasq.payload AS p
WHERE p.id = $1::uuid
