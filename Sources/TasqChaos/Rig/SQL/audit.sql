-- Writes down every change of a job, a claim, a worker or a queue's setting, in the transaction
-- that makes it: what is here was committed, and what was committed is here.
--
-- For runs of tasq-chaos only. One row per changed row and one statement per changing statement, so
-- that a batch stays a batch. `n` grows in the order of the changes of one job, because whoever
-- changes a job holds its row's lock until the commit.
CREATE SCHEMA audit;

CREATE TABLE audit.change (
    n            bigint GENERATED ALWAYS AS IDENTITY,
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    began        timestamptz NOT NULL DEFAULT now(),
    tbl          text NOT NULL,
    op           text NOT NULL,
    job          uuid,
    claim        uuid,
    worker       uuid,
    token        text,
    kind         text,
    queue        text,
    old_status   text,
    status       text,
    old_attempt  integer,
    attempt      integer,
    max_attempts integer,
    old_crashes  integer,
    crashes      integer,
    old_handbacks integer,
    handbacks    integer,
    last_claim   uuid,
    run_at       timestamptz,
    unique_key   text,
    pid          integer,
    beat         bigint,
    lease_us     bigint,
    queues       text,
    paused       boolean
);

CREATE FUNCTION audit.job_entered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change
        (tbl, op, job, token, kind, queue, status, attempt, max_attempts, crashes, handbacks,
        run_at, unique_key)
    SELECT 'job', 'I', j.id, j.key, j.kind, j.queue, j.status, j.attempt, j.max_attempts,
        j.crashes, j.handbacks, j.run_at, j.unique_key
    FROM entered AS j;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_entered AFTER INSERT ON tasq.job REFERENCING NEW TABLE AS entered
FOR EACH STATEMENT EXECUTE FUNCTION audit.job_entered();

CREATE FUNCTION audit.job_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change
        (tbl, op, job, token, kind, queue, old_status, status, old_attempt, attempt, max_attempts,
        old_crashes, crashes, old_handbacks, handbacks, last_claim, run_at, unique_key)
    SELECT 'job', 'U', j.id, j.key, j.kind, j.queue, o.status, j.status, o.attempt, j.attempt,
        j.max_attempts, o.crashes, j.crashes, o.handbacks, j.handbacks, j.last_claim, j.run_at,
        j.unique_key
    FROM after AS j JOIN before AS o ON o.id = j.id;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_changed AFTER UPDATE ON tasq.job
REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION audit.job_changed();

CREATE FUNCTION audit.job_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change (tbl, op, job, token, kind, queue, old_status)
    SELECT 'job', 'D', j.id, j.key, j.kind, j.queue, j.status FROM gone AS j;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_gone AFTER DELETE ON tasq.job REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION audit.job_gone();

CREATE FUNCTION audit.claim_entered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change (tbl, op, job, claim, worker, attempt)
    SELECT 'claim', 'I', e.job_id, e.id, e.worker_id, e.attempt FROM entered AS e;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_entered AFTER INSERT ON tasq.executing_job REFERENCING NEW TABLE AS entered
FOR EACH STATEMENT EXECUTE FUNCTION audit.claim_entered();

CREATE FUNCTION audit.claim_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change (tbl, op, job, claim, worker, attempt)
    SELECT 'claim', 'D', e.job_id, e.id, e.worker_id, e.attempt FROM gone AS e;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_gone AFTER DELETE ON tasq.executing_job REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION audit.claim_gone();

CREATE FUNCTION audit.worker_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO audit.change (tbl, op, worker, pid, beat, lease_us, queues)
        VALUES ('worker', 'D', OLD.id, OLD.pid, OLD.heartbeat_seq, OLD.lease_us, OLD.queues::text);
    ELSE
        INSERT INTO audit.change (tbl, op, worker, pid, beat, lease_us, queues)
        VALUES (
            'worker', left(TG_OP, 1), NEW.id, NEW.pid, NEW.heartbeat_seq, NEW.lease_us,
            NEW.queues::text);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_changed AFTER INSERT OR UPDATE OR DELETE ON tasq.worker
FOR EACH ROW EXECUTE FUNCTION audit.worker_changed();

CREATE FUNCTION audit.queue_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit.change (tbl, op, queue, paused)
    VALUES ('queue', left(TG_OP, 1), NEW.queue, NEW.paused);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_changed AFTER INSERT OR UPDATE ON tasq.queue_setting
FOR EACH ROW EXECUTE FUNCTION audit.queue_changed();
