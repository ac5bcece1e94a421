-- Which of a worker's running claims stand no more: cancelled, or taken back.
--
--   $1 uuid[]  job ids
--   $2 uuid[]  the claim each runs under
--
-- Asked on the heartbeat's connection after a beat that was answered, and only while something
-- runs: a look at the primary key for each, and nothing that an enqueue, a claim or a settlement
-- pays. Apart from the beat, so that somebody's lock on the claims' table delays no heartbeat.
SELECT u.claim
FROM unnest($1::uuid[], $2::uuid[]) AS u (job_id, claim)
WHERE NOT EXISTS (
    SELECT FROM tasq.executing_job AS e WHERE e.job_id = u.job_id AND e.id = u.claim)
