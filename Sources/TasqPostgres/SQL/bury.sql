-- Deletes a worker that has not beaten since it was last looked at.
--
--   $1 uuid    the worker
--   $2 bigint  its heartbeat_seq as seen
--
-- No row: it lives. Its claims are taken back by reap.sql, in transactions of their own.
DELETE FROM tasq.worker AS w
WHERE w.id = $1::uuid AND w.heartbeat_seq = $2::bigint
RETURNING w.id
