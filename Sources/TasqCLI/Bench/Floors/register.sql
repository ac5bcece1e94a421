-- Enters a worker for claim_settle.sql and insert_claim_settle.sql, whose claims are valid only
-- under a registered one.
--
--   $1 uuid  its id
INSERT INTO tasq.worker (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us)
VALUES ($1::uuid, 'pgbench', 0, '{default}', 1, 'floor', 2000000, 15000000)
