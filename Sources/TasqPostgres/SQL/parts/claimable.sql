-- What a queued job must be, beside queued, so that somebody may claim it: due, no suspect or one, and
-- not without attempts left, as a row made by hand may be, which would fail the whole batch.
--
--   @job      the row, as it is called where this stands
--   @crashes  `< 2` for a job that is no suspect, `> 1` for a suspect
@job.run_at <= now()
AND @job.crashes @crashes
AND @job.attempt < @job.max_attempts
