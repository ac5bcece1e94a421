-- What a run left behind, as tables: the execution logs, the audit of the run's database, the rows
-- that stood there at the end. Nothing here knows tasq's own code.

-- Every line of every execution log; `x` is the whole of it.
CREATE TABLE event (
    t     bigint NOT NULL,
    p     text NOT NULL,
    pid   integer,
    e     text NOT NULL,
    token text,
    job   uuid,
    claim uuid,
    att   integer,
    name  text,
    out   text,
    batch text,
    ms    float8,
    x     jsonb
);

-- Lines that are none: cut off, or written by something else.
CREATE TABLE torn (line text);
-- What a line says; nothing if it is none.
CREATE FUNCTION read_line(line text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    x jsonb := NULL;
BEGIN
    x := line::jsonb;
    RETURN CASE WHEN jsonb_typeof(x) = 'object' AND x ?& ARRAY['t', 'p', 'e'] THEN x END;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- audit.change of the run's database, with the times of its transaction: when it was committed, and
-- the now() of its statements.
CREATE TABLE change (
    n             bigint,
    xid           bigint,
    at            timestamptz,
    committed     timestamptz,
    began         timestamptz,
    tbl           text,
    op            text,
    job           uuid,
    claim         uuid,
    worker        uuid,
    token         text,
    kind          text,
    queue         text,
    old_status    text,
    status        text,
    old_attempt   integer,
    attempt       integer,
    max_attempts  integer,
    old_crashes   integer,
    crashes       integer,
    old_handbacks integer,
    handbacks     integer,
    last_claim    uuid,
    run_at        timestamptz,
    unique_key    text,
    pid           integer,
    beat          bigint,
    lease_us      bigint,
    queues        text,
    paused        boolean
);

-- The rows at the end.
CREATE TABLE job (
    job          uuid,
    token        text,
    kind         text,
    queue        text,
    status       text,
    attempt      integer,
    max_attempts integer,
    crashes      integer,
    last_claim   uuid,
    unique_key   text,
    finished     boolean
);
CREATE TABLE claim_left (job uuid, claim uuid, worker uuid);
CREATE TABLE attempt (job uuid, claim uuid, attempt integer, outcome text, reason_bytes integer);

-- The ticks of schedules that were fired, and the job of each.
CREATE TABLE tick (schedule text, at timestamptz, job uuid);

-- What an old primary had, in the end, that lived on after another had taken over.
CREATE TABLE old_job (job uuid);
CREATE TABLE old_claim (claim uuid);

-- What the run was asked to be: times in milliseconds, allowances as 1.
CREATE TABLE cfg (name text PRIMARY KEY, value float8 NOT NULL);

CREATE FUNCTION cfg(wanted text) RETURNS float8 LANGUAGE sql STABLE AS
    $$ SELECT coalesce((SELECT value FROM cfg WHERE name = wanted), 0) $$;
CREATE FUNCTION allowed(what text) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT cfg(what) <> 0 $$;
