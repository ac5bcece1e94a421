-- What counts failures, and lists the jobs that are tried again, by queue and kind.
--
-- A job that succeeds pays two comparisons; one that fails pays an entry. In the order of time within
-- a kind, so that those of the last hour are the first of a walk that stops early.
CREATE INDEX job_failed ON tasq.job (queue, kind, finished_at) WHERE status = 'error';
CREATE INDEX job_retrying ON tasq.job (queue, kind, run_at) WHERE status = 'scheduled' AND attempt > 0;
