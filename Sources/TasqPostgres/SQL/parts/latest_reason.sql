-- Why the latest recorded attempt of a job ended as it did.
--
--   @job  its row
(SELECT a.reason FROM tasq.attempt AS a WHERE a.job_id = @job.id ORDER BY a.ended_at DESC LIMIT 1)
