-- Enters a remote worker, or renews it, where that is asked for, while it holds no claim.
--
--   $1 uuid id   $2 text host   $3 text[] queues   $4 bigint concurrency   $5 text version
--   $6 bigint heartbeat in microseconds   $7 bigint lease in microseconds   $8 boolean  may renew
--   $9 uuid[] every job that was claimed under it since it was entered or renewed, also before it
--             went away
--
-- No row: it stands and may not be renewed, it holds a claim, or the id is that of a worker of
-- another sort. A claim is renewed by its token alone (renew.sql). Renewing it here too would let a
-- worker that never saw the answer with its claim keep that claim for ever, by asking for more.
--
-- Whether it holds one is looked up by the jobs that were claimed under it. To look for claims of the
-- worker would be to read all of executing_job for each request, and beside a held snapshot also
-- whatever was claimed and ended since; an index on worker_id would cost each claim one more entry.
-- IS TRUE keeps the planner from one that somebody added. A row is not entered again either while it
-- holds one: it was buried, and its claim is the reaper's, who may be kept from it by a lock.
--
-- The heartbeat begins anywhere: whoever has seen a row stand still that is gone by now must not
-- take the next one under its id for it.
INSERT INTO tasq.worker AS w
    (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us, heartbeat_seq)
SELECT
    $1::uuid, $2::text, 0, $3::text[], $4::bigint, $5::text, $6::bigint, $7::bigint,
    (random() * 1000000000)::bigint
WHERE NOT EXISTS (
    SELECT FROM tasq.executing_job AS e
    WHERE e.job_id = ANY ($9::uuid[]) AND (e.worker_id = $1::uuid) IS TRUE
)
ON CONFLICT (id) DO UPDATE SET
    heartbeat_seq = w.heartbeat_seq + 1,
    seen_at = now(),
    host = EXCLUDED.host,
    queues = EXCLUDED.queues,
    concurrency = EXCLUDED.concurrency,
    heartbeat_us = EXCLUDED.heartbeat_us,
    lease_us = EXCLUDED.lease_us
WHERE $8::boolean AND w.version = EXCLUDED.version
RETURNING w.id
