-- Raises a worker's heartbeat. No row means the worker was reaped: its claims are gone.
--
--   $1 uuid     the worker
--   $2 boolean  whether its session lock is held over this connection
UPDATE tasq.worker
SET heartbeat_seq = heartbeat_seq + 1, seen_at = now(), lock_held = $2::boolean
WHERE id = $1::uuid
