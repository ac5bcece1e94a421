-- Some bytes of a stored body.
--
--   $1 uuid  the body   $2 bigint  bytes before them   $3 bigint  how many at most
--
-- Neither this side nor the wire ever holds a large body whole. PostgreSQL may: what it has stored
-- compressed it unpacks from the beginning for each piece.
SELECT substring(p.body FROM ($2::bigint)::int + 1 FOR ($3::bigint)::int)
FROM tasq.payload AS p
WHERE p.id = $1::uuid
