-- What counts failures, and lists the jobs that are tried again, by queue and kind.
--
-- A job that succeeds pays some comparisons; one that fails pays an entry. In the order of time within
-- a kind, so that those of the last hour are the first of a walk that stops early.
--
-- A status is asked for from both sides, for job_error and job_scheduled hold the same rows: as long as
-- the statistics say that there is none, to read one of these and sort looks as good, or better where
-- it is a level lower. What asks from both sides (see failures.sql) finds nothing but these indexes; that
-- these hold one condition more keeps all others, which ask for a status alone, from taking them.
CREATE INDEX job_failed ON tasq.job (queue, kind, finished_at)
    WHERE status >= 'error' AND status <= 'error' AND finished_at IS NOT NULL;
CREATE INDEX job_retrying ON tasq.job (queue, kind, run_at)
    WHERE status >= 'scheduled' AND status <= 'scheduled' AND attempt > 0;
