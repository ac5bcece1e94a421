-- Enters a worker; its claims are valid from this commit on.
--
--   $1 uuid id   $2 text host   $3 bigint pid   $4 text[] queues   $5 bigint concurrency
--   $6 text version   $7 bigint heartbeat in microseconds   $8 bigint lease in microseconds
--   $9 text[] the kinds it has handlers for, as LIKE reads them
INSERT INTO tasq.worker
    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us, kinds)
VALUES (
    $1::uuid, $2::text, $3::bigint, $4::text[], $5::bigint, $6::text, $7::bigint, $8::bigint,
    $9::text[])
ON CONFLICT (id) DO NOTHING
