-- Raises a worker's heartbeat. No row means the worker was reaped: its claims are gone.
--
--   $1 uuid     the worker
--   $2 boolean  whether its session lock is held over this connection
--   $3 text     where it is not: on which server of the doorbell others see that it lives, or null
--
-- The server is the one that this session is on, and its lock with it. Programs of before read
-- `lock_held`, and take a server of the doorbell for one that their lock is not on.
UPDATE tasq.worker
SET heartbeat_seq = heartbeat_seq + 1,
    seen_at = now(),
    lock_held = $2::boolean,
    lock_server = CASE WHEN $2::boolean THEN @server ELSE $3::text END
WHERE id = $1::uuid
