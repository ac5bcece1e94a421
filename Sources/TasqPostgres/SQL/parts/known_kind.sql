-- A job `j` of a kind that a worker has a handler for. Others are left to others; null, as an older
-- program leaves it, means that it has one for all.
--
--   @worker  the worker
(j.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = @worker::uuid)::text[])) IS NOT FALSE
