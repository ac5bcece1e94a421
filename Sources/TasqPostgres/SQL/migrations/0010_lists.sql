-- What lists and charts read, so that neither walks the history.
--
-- Jobs in `error` and `cancelled` are few beside those that succeed; their lists walk an index of their
-- own. It costs a job nothing on its way but two comparisons, and an entry if it ends so.
CREATE INDEX job_stopped ON tasq.job (status, id) WHERE status IN ('error', 'cancelled');

-- What the deployment had done by certain times, noted every 15 seconds by whoever maintains; charts
-- are the differences. The sums are PostgreSQL's own (see pulse.sql), so no job pays for them.
CREATE TABLE tasq.tally (
    at         timestamptz PRIMARY KEY,
    enqueued   bigint NOT NULL,
    started    bigint NOT NULL,
    ended      bigint NOT NULL,
    failed     bigint NOT NULL,
    unfinished bigint NOT NULL,
    p50_us     bigint,
    p99_us     bigint
);

-- Whoever may note it is whoever owns the jobs, whoever runs this.
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE tasq.tally OWNER TO %I',
        (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'tasq.job'::regclass));
END
$$;
