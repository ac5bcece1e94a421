-- `tasq.enqueue` says what becomes of the job that holds its unique key, and a job that is put off
-- says why.
--
-- The functions get two arguments more, at the end, so every call that was right stays so. What
-- depends on one as it was, as a view, goes on with that one under another name. `put_off_reason` is
-- what the target said that put the job off; only explanations read it.
ALTER TABLE tasq.job ADD COLUMN IF NOT EXISTS put_off_reason text;

DO $$
DECLARE
    overload regprocedure;
BEGIN
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue'
    LOOP
        EXECUTE format('ALTER FUNCTION %s RENAME TO enqueue_without_policies', overload);
    END LOOP;
END
$$;

DROP FUNCTION tasq.store(text, bytea, text, text, timestamptz, bigint, text, text, bigint);

CREATE FUNCTION tasq.store(
    kind text, body bytea, content_type text, queue text, run_at timestamptz, priority bigint,
    unique_key text, key text, max_attempts bigint,
    unique_while text DEFAULT NULL, on_conflict text DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
    job_id uuid := tasq.uuid_v7();
    span text := coalesce(unique_while, 'unfinished');
    policy text := coalesce(on_conflict, 'keep');
    rounds int := 0;
    holder uuid;
    state tasq.job_status;
    due boolean;
    its_queue text;
    its_priority smallint;
BEGIN
    IF kind IS NULL OR kind !~ '^[A-Za-z0-9_.:-]{1,100}$' THEN
        RAISE EXCEPTION 'kind must be 1 to 100 of the characters A-Z a-z 0-9 _ . : -'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF queue IS NULL OR queue !~ '^[A-Za-z0-9_.:-]{1,100}$' THEN
        RAISE EXCEPTION 'queue must be 1 to 100 of the characters A-Z a-z 0-9 _ . : -'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF priority IS NULL OR priority NOT BETWEEN 0 AND 3 THEN
        RAISE EXCEPTION 'priority must be between 0 and 3'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF max_attempts NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'max_attempts must be between 1 and 1000'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF run_at IS NULL OR run_at NOT BETWEEN now() - interval '1 year' AND now() + interval '100 years' THEN
        RAISE EXCEPTION 'run_at must lie between a year ago and a hundred years ahead'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(key) NOT BETWEEN 1 AND 200 OR octet_length(unique_key) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'key and unique_key must be 1 to 200 bytes'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF body IS NULL OR octet_length(body) > 1048576 THEN
        RAISE EXCEPTION 'payload must not be null and have at most 1048576 bytes'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF span NOT IN ('unfinished', 'queued') THEN
        RAISE EXCEPTION 'unique_while must be one of unfinished, queued'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF policy NOT IN ('keep', 'replace', 'reschedule') THEN
        RAISE EXCEPTION 'on_conflict must be one of keep, replace, reschedule'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF unique_key IS NULL AND (span <> 'unfinished' OR policy <> 'keep') THEN
        RAISE EXCEPTION '% needs a unique_key',
            CASE WHEN span <> 'unfinished' THEN 'unique_while' ELSE 'on_conflict' END
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    due := run_at <= now();

    -- The unfinished job with this unique key, if there is one, is the answer, unless it makes way or
    -- a policy says otherwise: as yield_key.sql, replace.sql and reschedule.sql do it, job rows first,
    -- then keys. A key whose job is gone, as after a DELETE by hand, is free: both were written
    -- together, so one look sees both or neither. Each round sees what others have committed since.
    WHILE unique_key IS NOT NULL LOOP
        INSERT INTO tasq.unique_key AS u (key, job_id) VALUES (unique_key, job_id)
        ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        SELECT u.job_id, (SELECT j.status FROM tasq.job AS j WHERE j.id = u.job_id)
        INTO holder, state
        FROM tasq.unique_key AS u
        WHERE u.key = unique_key;
        rounds := rounds + 1;
        IF rounds > 40 THEN
            RAISE EXCEPTION 'unique key under heavy contention: try again'
                USING ERRCODE = 'lock_not_available';
        END IF;
        CONTINUE WHEN holder IS NULL;
        IF state IS NULL THEN
            DELETE FROM tasq.unique_key AS u WHERE u.key = unique_key AND u.job_id = holder;
        ELSIF state IN ('scheduled', 'queued') AND policy = 'reschedule' THEN
            UPDATE tasq.job AS j
            SET run_at = run_at, put_off_reason = NULL,
                status = (CASE WHEN due THEN 'queued' ELSE 'scheduled' END)::tasq.job_status
            WHERE j.id = holder AND j.status IN ('scheduled', 'queued') AND j.unique_key = unique_key
            RETURNING j.queue, j.priority INTO its_queue, its_priority;
            IF FOUND THEN
                PERFORM tasq.ring(holder, its_queue, its_priority, due);
                RETURN holder;
            END IF;
        ELSIF state IN ('scheduled', 'queued') AND policy = 'replace'
            OR state = 'executing' AND span = 'queued'
        THEN
            PERFORM FROM tasq.job AS j
            WHERE j.id = holder AND j.status = state AND j.unique_key = unique_key
            FOR NO KEY UPDATE;
            CONTINUE WHEN NOT FOUND;
            UPDATE tasq.unique_key AS u SET job_id = job_id
            WHERE u.key = unique_key AND u.job_id = holder;
            CONTINUE WHEN NOT FOUND;
            IF state = 'executing' THEN
                UPDATE tasq.job AS j SET unique_key = NULL WHERE j.id = holder;
            ELSE
                UPDATE tasq.job AS j SET status = 'cancelled', finished_at = now()
                WHERE j.id = holder;
                INSERT INTO tasq.attempt AS a (job_id, claim, attempt, outcome, reason, started_at)
                SELECT j.id, gen_random_uuid(), j.attempt, 'cancelled', 'replaced by ' || job_id, now()
                FROM tasq.job AS j
                WHERE j.id = holder;
            END IF;
            EXIT;
        ELSE
            RETURN holder;
        END IF;
    END LOOP;

    INSERT INTO tasq.payload AS p (id, content_type, body) VALUES (job_id, content_type, body);
    INSERT INTO tasq.job AS j
        (id, payload_id, queue, kind, status, priority, max_attempts, key, unique_key, run_at)
    VALUES (
        job_id, job_id, queue, kind,
        (CASE WHEN due THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        priority, coalesce(max_attempts, 20), key, unique_key, run_at);
    PERFORM tasq.ring(job_id, queue, priority, due);
    RETURN job_id;
END
$$;

-- Tells workers of a job that is due. A transaction that has notified cannot be prepared for
-- two-phase commit.
CREATE FUNCTION tasq.ring(job uuid, queue text, priority bigint, due boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF due AND coalesce(current_setting('tasq.notify', true), '') NOT IN ('off', 'false', 'no', '0') THEN
        PERFORM pg_notify('tasq', job || ' ' || priority || ' ' || queue);
    END IF;
END
$$;

CREATE FUNCTION tasq.enqueue(
    kind text, payload jsonb DEFAULT '{}', queue text DEFAULT 'default',
    run_at timestamptz DEFAULT now(), priority bigint DEFAULT 1, unique_key text DEFAULT NULL,
    key text DEFAULT NULL, max_attempts bigint DEFAULT NULL,
    unique_while text DEFAULT 'unfinished', on_conflict text DEFAULT 'keep'
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN tasq.store(
        kind, convert_to(payload::text, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts, unique_while, on_conflict);
END
$$;

-- Kept as it was written, byte for byte; the cast asks whether it is JSON without NUL characters.
CREATE FUNCTION tasq.enqueue(
    kind text, payload text, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL,
    unique_while text DEFAULT 'unfinished', on_conflict text DEFAULT 'keep'
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM payload::jsonb;
    RETURN tasq.store(
        kind, convert_to(payload, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts, unique_while, on_conflict);
END
$$;

CREATE FUNCTION tasq.enqueue(
    kind text, payload json, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL,
    unique_while text DEFAULT 'unfinished', on_conflict text DEFAULT 'keep'
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM payload::jsonb;
    RETURN tasq.store(
        kind, convert_to(payload::text, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts, unique_while, on_conflict);
END
$$;

-- Any bytes.
CREATE FUNCTION tasq.enqueue(
    kind text, payload bytea, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL,
    unique_while text DEFAULT 'unfinished', on_conflict text DEFAULT 'keep'
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN tasq.store(
        kind, payload, 'application/octet-stream', queue, run_at, priority, unique_key, key,
        max_attempts, unique_while, on_conflict);
END
$$;

REVOKE ALL ON FUNCTION
    tasq.store(text, bytea, text, text, timestamptz, bigint, text, text, bigint, text, text),
    tasq.ring(uuid, text, bigint, boolean)
    FROM PUBLIC;

-- Whoever could call the old ones may call the new ones, and nobody else. All of it belongs to
-- whoever owns the jobs, whoever runs this.
DO $$
DECLARE
    overload regprocedure;
    who text;
    keeper text := (SELECT quote_ident(pg_get_userbyid(c.relowner)) FROM pg_class AS c
        WHERE c.oid = 'tasq.job'::regclass);
BEGIN
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname IN ('enqueue', 'store', 'ring')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %s', overload, keeper);
    END LOOP;
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', overload);
        FOR who IN
            SELECT DISTINCT
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_proc AS p, aclexplode(p.proacl) AS a
            WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue_without_policies'
                AND a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner
        LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', overload, who);
        END LOOP;
    END LOOP;
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue_without_policies'
    LOOP
        BEGIN
            EXECUTE format('DROP FUNCTION %s', overload);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            CONTINUE;
        END;
    END LOOP;
END
$$;
