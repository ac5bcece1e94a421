-- How much may wait on a queue before those who put jobs in are told to come again later.
--
-- It is they who read it (limits.sql), once a second; nothing that claims or settles does. Programs of
-- before do not know it, and go on putting jobs in; so does `tasq.enqueue`. At least one of the two
-- limits is there; what there is to say of their bounds says FlowLimit.swift.
CREATE TABLE tasq.flow_limit (
    queue      text PRIMARY KEY CHECK (queue ~ '^[A-Za-z0-9_.:-]{1,100}$'),
    max_depth  bigint CHECK (max_depth BETWEEN 1 AND 1000000),
    max_age_us bigint CHECK (max_age_us BETWEEN 1000000 AND 31536000000000),
    configured boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL DEFAULT current_user,
    CONSTRAINT flow_limit_limits CHECK (num_nonnulls(max_depth, max_age_us) > 0)
);

-- Whoever may write it is whoever owns the jobs, whoever runs this.
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE tasq.flow_limit OWNER TO %I',
        (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'tasq.job'::regclass));
END
$$;
