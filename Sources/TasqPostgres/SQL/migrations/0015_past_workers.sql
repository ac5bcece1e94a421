-- Where workers ran that are gone: attempts name them by their ids alone.
--
-- Written by the statements that remove a worker (bury.sql, deregister.sql and retire.sql), so nobody
-- pays while it lives. A remote worker may come back under its id and go again. Programs of before
-- remove workers without a row here. What is a week old is forgotten (tally.sql), the oldest first.
CREATE TABLE tasq.past_worker (
    id       uuid PRIMARY KEY,
    host     text NOT NULL,
    pid      integer NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX past_worker_ended ON tasq.past_worker (ended_at);

-- Whoever may write it is whoever owns the jobs, whoever runs this.
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE tasq.past_worker OWNER TO %I',
        (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'tasq.job'::regclass));
END
$$;
