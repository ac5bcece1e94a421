-- Tells which kinds a worker has handlers for, once they were replaced.
--
--   $1 uuid    the worker
--   $2 text[]  the kinds, as LIKE reads them
UPDATE tasq.worker AS w
SET kinds = $2::text[]
WHERE w.id = $1::uuid
