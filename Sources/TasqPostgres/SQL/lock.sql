-- Takes the session lock whose fall tells the reaper that this worker's connection has ended.
--
--   $1 bigint  the first eight octets of the worker's id
--
-- A hint only, and taken on direct connections only: behind a pooler a session lock belongs to
-- whoever uses the server connection next. Nor is it taken for a worker whose handlers may not
-- overlap with another run: a session also ends where a worker is cut off for a moment, and its jobs
-- would run elsewhere before its own lease is over, when it cancels them.
SELECT pg_try_advisory_lock($1::bigint) AS held
