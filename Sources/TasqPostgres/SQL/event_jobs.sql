-- The jobs made of a stored webhook event, newest first, at most 1000.
--
--   $1 uuid  the event
--
-- `payload_id <> id` is what the index is on; an event's jobs have ids of their own. Those of a replay by
-- filter do not grow with time.
SELECT
    @job_columns, @latest_reason(job: j) AS reason
FROM tasq.job AS j
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
WHERE j.payload_id = $1::uuid AND j.payload_id <> j.id
ORDER BY j.enqueued_at DESC, j.id DESC
LIMIT 1000
