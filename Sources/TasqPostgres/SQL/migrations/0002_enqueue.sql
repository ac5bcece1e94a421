-- Enqueueing from SQL: `tasq.enqueue` works inside anybody's transaction and rolls back with it.
--
-- The job is announced after the commit by whichever tasq process listens (NOTIFY is sent by the
-- commit itself), and found by a sweep within a second where nobody can listen, as behind a
-- transaction pooler. tasq's own enqueue does not notify: a NOTIFY inside the inserting
-- transaction serialises all commits.

-- A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds over the random bits of a version 4.
CREATE FUNCTION tasq.uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(
                uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

CREATE FUNCTION tasq.enqueue(
    kind text,
    payload jsonb DEFAULT '{}',
    queue text DEFAULT 'default',
    run_at timestamptz DEFAULT now(),
    priority integer DEFAULT 1,
    unique_key text DEFAULT NULL,
    key text DEFAULT NULL,
    max_attempts integer DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
    job_id uuid := tasq.uuid_v7();
    holder uuid;
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
    IF payload IS NULL OR octet_length(payload::text) > 1048576 THEN
        RAISE EXCEPTION 'payload must be JSON of at most 1048576 bytes'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- The unfinished job with this unique key, if there is one, is the answer. The loop ends: a
    -- holder that is gone when we look has made room for our own row.
    WHILE unique_key IS NOT NULL LOOP
        INSERT INTO tasq.unique_key AS u (key, job_id) VALUES (unique_key, job_id)
        ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        SELECT u.job_id INTO holder FROM tasq.unique_key AS u WHERE u.key = unique_key;
        IF FOUND THEN
            RETURN holder;
        END IF;
    END LOOP;

    due := run_at <= now();
    INSERT INTO tasq.payload AS p (id, content_type, body)
    VALUES (job_id, 'application/json', convert_to(payload::text, 'UTF8'));
    INSERT INTO tasq.job AS j
        (id, payload_id, queue, kind, status, priority, max_attempts, key, unique_key, run_at)
    VALUES (
        job_id, job_id, queue, kind,
        (CASE WHEN due THEN 'queued' ELSE 'scheduled' END)::tasq.job_status,
        priority, coalesce(max_attempts, 20), key, unique_key, run_at);
    IF due THEN
        PERFORM pg_notify('tasq', job_id || ' ' || priority || ' ' || queue);
    END IF;
    RETURN job_id;
END
$$;
