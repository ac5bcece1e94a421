-- Takes the session lock whose fall tells the reaper that this worker's connection has ended.
--
--   $1 bigint  the first eight octets of the worker's id
--
-- A hint only, and taken on direct connections only: behind a pooler a session lock belongs to
-- whoever uses the server connection next.
SELECT pg_try_advisory_lock($1::bigint) AS held
