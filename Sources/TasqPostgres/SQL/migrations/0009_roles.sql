-- `tasq.enqueue` takes what people write, and needs no right but to be called.
--
-- One function for each type of body; a literal without a type is taken for text. Priorities and
-- attempts are bigint, to which the smaller integers turn by themselves. Only one of them can be
-- called without a body, or such a call would fit them all. They run with the rights of their owner
-- and with a search path that nobody else decides; what is not theirs to say, they do not ask.

CREATE FUNCTION tasq.store(
    kind text, body bytea, content_type text, queue text, run_at timestamptz, priority bigint,
    unique_key text, key text, max_attempts bigint
) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
    job_id uuid := tasq.uuid_v7();
    holder uuid;
    stands boolean;
    due boolean;
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

    -- The unfinished job with this unique key, if there is one, is the answer. A key whose job is
    -- gone, as after a DELETE by hand, is free: both were written together, so one look sees both
    -- or neither. The loop ends: a holder that is gone when we look has made room for our own row.
    WHILE unique_key IS NOT NULL LOOP
        INSERT INTO tasq.unique_key AS u (key, job_id) VALUES (unique_key, job_id)
        ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        SELECT u.job_id, EXISTS (SELECT FROM tasq.job AS j WHERE j.id = u.job_id)
        INTO holder, stands
        FROM tasq.unique_key AS u
        WHERE u.key = unique_key;
        IF stands THEN
            RETURN holder;
        END IF;
        DELETE FROM tasq.unique_key AS u WHERE u.key = unique_key AND u.job_id = holder;
    END LOOP;

    due := run_at <= now();
    INSERT INTO tasq.payload AS p (id, content_type, body) VALUES (job_id, content_type, body);
    INSERT INTO tasq.job AS j
        (id, payload_id, queue, kind, status, priority, max_attempts, key, unique_key, run_at)
    VALUES (
        job_id, job_id, queue, kind,
        (CASE WHEN due THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        priority, coalesce(max_attempts, 20), key, unique_key, run_at);
    -- A transaction that has notified cannot be prepared for two-phase commit.
    IF due AND coalesce(current_setting('tasq.notify', true), '') NOT IN ('off', 'false', 'no', '0') THEN
        PERFORM pg_notify('tasq', job_id || ' ' || priority || ' ' || queue);
    END IF;
    RETURN job_id;
END
$$;

DO $$
BEGIN
    DROP FUNCTION tasq.enqueue(text, jsonb, text, timestamptz, integer, text, text, integer);
EXCEPTION WHEN dependent_objects_still_exist THEN
    -- Whatever depends on it, as a view, goes on with it.
    ALTER FUNCTION tasq.enqueue(text, jsonb, text, timestamptz, integer, text, text, integer)
        RENAME TO enqueue_before_0009;
END
$$;

CREATE FUNCTION tasq.enqueue(
    kind text, payload jsonb DEFAULT '{}', queue text DEFAULT 'default',
    run_at timestamptz DEFAULT now(), priority bigint DEFAULT 1, unique_key text DEFAULT NULL,
    key text DEFAULT NULL, max_attempts bigint DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN tasq.store(
        kind, convert_to(payload::text, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts);
END
$$;

-- Kept as it was written, byte for byte; the cast asks whether it is JSON without NUL characters.
CREATE FUNCTION tasq.enqueue(
    kind text, payload text, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM payload::jsonb;
    RETURN tasq.store(
        kind, convert_to(payload, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts);
END
$$;

CREATE FUNCTION tasq.enqueue(
    kind text, payload json, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM payload::jsonb;
    RETURN tasq.store(
        kind, convert_to(payload::text, 'UTF8'), 'application/json', queue, run_at, priority,
        unique_key, key, max_attempts);
END
$$;

-- Any bytes.
CREATE FUNCTION tasq.enqueue(
    kind text, payload bytea, queue text DEFAULT 'default', run_at timestamptz DEFAULT now(),
    priority bigint DEFAULT 1, unique_key text DEFAULT NULL, key text DEFAULT NULL,
    max_attempts bigint DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN tasq.store(
        kind, payload, 'application/octet-stream', queue, run_at, priority, unique_key, key,
        max_attempts);
END
$$;

-- What a role may do, so that every `tasq migrate` gives it what has been added since.
CREATE TABLE tasq.granted (
    role   name NOT NULL,
    rights text NOT NULL CHECK (rights IN ('enqueuer', 'worker', 'operator')),
    PRIMARY KEY (role, rights)
);

REVOKE ALL ON FUNCTION tasq.store(text, bytea, text, text, timestamptz, bigint, text, text, bigint)
    FROM PUBLIC;

-- Whoever could write jobs so far goes on calling it; nobody else does by having the schema's use.
-- All of it belongs to whoever owns the jobs, whoever runs this.
DO $$
DECLARE
    overload regprocedure;
    who text;
    keeper text := (SELECT quote_ident(pg_get_userbyid(c.relowner)) FROM pg_class AS c
        WHERE c.oid = 'tasq.job'::regclass);
BEGIN
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname IN ('enqueue', 'store')
            AND p.proowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %s', overload, keeper);
    END LOOP;
    EXECUTE format('ALTER TABLE tasq.granted OWNER TO %s', keeper);
    FOR overload IN
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', overload);
        FOR who IN
            SELECT DISTINCT
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_class AS c, aclexplode(c.relacl) AS a
            WHERE c.oid = 'tasq.job'::regclass AND a.privilege_type = 'INSERT'
                AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', overload, who);
        END LOOP;
    END LOOP;
END
$$;
