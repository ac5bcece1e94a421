-- One job.
--
--   $1 uuid  its id
SELECT
    @job_columns, @latest_reason(job: j) AS reason
FROM tasq.job AS j
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
WHERE j.id = $1::uuid
