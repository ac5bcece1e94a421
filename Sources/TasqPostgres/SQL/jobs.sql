-- A page of jobs, newest first.
--
--   $1 uuid  before this id, or null   $2 bigint  rows at most
--   $3 text status   $4 text queue   $5 text kind   $6 text key, each null for any
--   $7 uuid  from this id on, or null   $8 uuid  below this id, or null (ids grow with time)
SELECT
    j.id, j.kind, j.queue, j.status::text, j.priority, j.attempt, j.max_attempts, j.crashes, j.key,
    j.unique_key, j.payload_id, j.enqueued_at, j.run_at, j.claimed_at, j.finished_at, e.worker_id,
    (SELECT a.reason FROM tasq.attempt AS a WHERE a.job_id = j.id ORDER BY a.ended_at DESC LIMIT 1) AS reason,
    j.max_attempts - coalesce(j.budget, j.max_attempts) AS before
FROM tasq.job AS j
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
WHERE ($1::uuid IS NULL OR j.id < $1::uuid)
    AND ($3::text IS NULL OR j.status = $3::text::tasq.job_status)
    AND ($4::text IS NULL OR j.queue = $4::text)
    AND ($5::text IS NULL OR j.kind = $5::text)
    AND ($6::text IS NULL OR j.key = $6::text)
    AND ($7::uuid IS NULL OR j.id >= $7::uuid)
    AND ($8::uuid IS NULL OR j.id < $8::uuid)
ORDER BY j.id DESC
LIMIT $2::bigint
