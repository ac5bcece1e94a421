-- The number of an attempt never falls: what is limited is a budget beside it.
--
-- A redelivery of an event whose job ended in `error` counted its attempts from zero again, so a
-- receiver that fences by the highest number it saw refused the run. Now `max_attempts`, the number of
-- the last attempt, grows by `budget`, what the job was given at first; null while the two are the
-- same, so an enqueue writes nothing more. `put_off_at` is since when the job has been put off by what
-- it depends on, without an attempt counted. Rows that are there satisfy the rule, so they are not
-- looked at and the table is locked for a moment only.
ALTER TABLE tasq.job ADD COLUMN budget smallint, ADD COLUMN put_off_at timestamptz;
ALTER TABLE tasq.job DROP CONSTRAINT attempt_range;
ALTER TABLE tasq.job ADD CONSTRAINT attempt_range CHECK (
    attempt BETWEEN 0 AND max_attempts AND max_attempts BETWEEN 1 AND 30000
    AND coalesce(budget, max_attempts) BETWEEN 1 AND 1000) NOT VALID;
