-- Mends what was found wrong with jobs, their claims and their unique keys.
--
--   $1 uuid[]  jobs that verify_jobs.sql, verify_claims.sql or verify_keys.sql found
--
-- Returns the jobs that were mended. What is wrong is judged anew under the lock, so it may be asked
-- for again, of any job: one that is as it should be is left alone. The shape is cancel.sql's: job rows
-- first, in id order, none that was written since the statement began, then claims, then keys. A job
-- that was executing without a claim runs again if it has an attempt left; one without a body ends in
-- `error`, for nothing else can become of it; one that is queued and lies up to a day ahead is due now
-- (hasten.sql says why). A key or a claim is written together with its job, so
-- one that is seen without it has lost it for good. No row of a job stands before such a one, so it is
-- locked by itself, as in release.sql: one that somebody has locked is being freed, and is left to
-- the next run. Of two that waited, each in an order of its own, each could wait for the other.
WITH locked AS MATERIALIZED (
    SELECT j.id, j.xmin AS version
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
held AS MATERIALIZED (
    SELECT
        j.id, j.status, j.attempt, j.max_attempts, j.run_at, j.unique_key, e.id AS claim,
        e.attempt AS claimed_attempt,
        EXISTS (SELECT FROM tasq.payload AS p WHERE p.id = j.payload_id) AS has_body
    FROM locked AS l
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[l.id])
    LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
    WHERE j.xmin = l.version
),
judged AS MATERIALIZED (
    SELECT
        h.*,
        CASE
            WHEN h.status IN ('success', 'error', 'cancelled') THEN h.status::text
            WHEN h.status = 'executing' AND h.claim IS NOT NULL THEN 'executing'
            WHEN NOT h.has_body OR h.attempt >= 30000 THEN 'error'
            WHEN h.status = 'executing' AND h.attempt >= h.max_attempts THEN 'error'
            WHEN h.status = 'executing' THEN 'queued'
            WHEN h.run_at >= now() + interval '101 years' THEN h.status::text
            WHEN h.status = 'queued' AND h.run_at > now() + interval '1 day' THEN 'scheduled'
            WHEN h.status = 'scheduled' AND h.run_at < now() - interval '1 day' THEN 'queued'
            ELSE h.status::text
        END::tasq.job_status AS goal,
        CASE
            WHEN h.status = 'executing' THEN greatest(h.attempt, h.claimed_attempt)
            ELSE h.attempt
        END AS count,
        h.status = 'queued' AND h.run_at > now() + interval '1 hour'
            AND h.run_at <= now() + interval '1 day' AS is_ahead
    FROM held AS h
),
unclaimed AS (
    DELETE FROM tasq.executing_job AS e
    USING judged AS d
    WHERE e.job_id = ANY (ARRAY[d.id]) AND e.id = d.claim AND d.status <> 'executing'
    RETURNING e.job_id AS id
),
stray_claims AS MATERIALIZED (
    SELECT e.job_id, e.id
    FROM tasq.executing_job AS e
    WHERE e.job_id = ANY ($1::uuid[])
        AND NOT EXISTS (SELECT FROM tasq.job AS j WHERE j.id = ANY (ARRAY[e.job_id]))
    FOR UPDATE OF e SKIP LOCKED
),
orphaned AS (
    DELETE FROM tasq.executing_job AS e
    USING stray_claims AS s
    WHERE e.job_id = ANY (ARRAY[s.job_id]) AND e.id = s.id
    RETURNING e.job_id AS id
),
recounted AS (
    UPDATE tasq.executing_job AS e
    SET attempt = d.count
    FROM judged AS d
    WHERE e.job_id = ANY (ARRAY[d.id]) AND e.id = d.claim AND d.status = 'executing'
        AND e.attempt <> d.count
    RETURNING e.job_id AS id
),
moved AS (
    UPDATE tasq.job AS j
    SET status = d.goal, attempt = d.count,
        run_at = CASE WHEN d.is_ahead AND d.goal = 'queued' THEN now() ELSE j.run_at END,
        max_attempts = CASE
            WHEN d.goal IN ('scheduled', 'queued') THEN greatest(j.max_attempts, d.count + 1)
            ELSE greatest(j.max_attempts, d.count)
        END,
        finished_at = CASE WHEN d.goal = 'error' AND d.status <> 'error' THEN now() ELSE j.finished_at END
    FROM judged AS d
    WHERE j.id = ANY (ARRAY[d.id])
        AND (
            d.goal <> d.status OR d.count <> d.attempt OR (d.is_ahead AND d.goal = 'queued')
            OR (d.goal IN ('scheduled', 'queued') AND d.attempt >= d.max_attempts)
        )
    RETURNING j.id, j.unique_key, d.goal, d.count, d.has_body
),
recorded AS (
    INSERT INTO tasq.attempt AS a (job_id, claim, attempt, outcome, reason, started_at)
    SELECT
        m.id, gen_random_uuid(), m.count, 'error',
        CASE WHEN m.has_body THEN 'repaired: it was executing, and nobody held it'
            ELSE 'repaired: its body was gone' END,
        now()
    FROM moved AS m
    WHERE m.goal = 'error'
),
stray_keys AS MATERIALIZED (
    SELECT k.key, k.job_id
    FROM tasq.unique_key AS k
    WHERE k.job_id = ANY ($1::uuid[])
        AND NOT EXISTS (
            SELECT FROM tasq.job AS j
            WHERE j.id = ANY (ARRAY[k.job_id]) AND j.unique_key = k.key
                AND j.status IN ('scheduled', 'queued', 'executing'))
    FOR UPDATE OF k SKIP LOCKED
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING (
        SELECT s.key, s.job_id FROM stray_keys AS s
        UNION ALL
        SELECT m.unique_key, m.id FROM moved AS m WHERE m.goal = 'error'
    ) AS g
    WHERE k.key = ANY (ARRAY[g.key]) AND k.job_id = g.job_id
    RETURNING k.job_id AS id
),
taken AS (
    INSERT INTO tasq.unique_key AS k (key, job_id)
    SELECT d.unique_key, d.id
    FROM judged AS d
    WHERE d.unique_key IS NOT NULL AND d.goal IN ('scheduled', 'queued', 'executing')
    ORDER BY d.unique_key, d.id
    ON CONFLICT (key) DO NOTHING
    RETURNING k.job_id AS id
)
SELECT u.id FROM unclaimed AS u
UNION
SELECT o.id FROM orphaned AS o
UNION
SELECT r.id FROM recounted AS r
UNION
SELECT m.id FROM moved AS m
UNION
SELECT f.id FROM freed AS f
UNION
SELECT t.id FROM taken AS t
