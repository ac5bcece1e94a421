-- What is wrong with a stretch of the jobs, in the order of their ids.
--
--   $1 text    after this id, empty for the first page
--   $2 bigint  jobs to look at, at most
--
-- One row a finding: the job and what is wrong. The last row has no finding: it tells the last id
-- looked at and how many. One statement is one snapshot, and every write moves a job together
-- with its claim and its key, so what is seen here is no moment between two writes.
WITH page AS MATERIALIZED (
    SELECT j.id, j.status, j.unique_key, j.payload_id, j.attempt, j.max_attempts, j.run_at
    FROM tasq.job AS j
    WHERE j.id > coalesce(nullif($1::text, '')::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY j.id
    LIMIT $2::bigint
)
SELECT p.id, 'executing-without-claim' AS finding, NULL::text AS last, NULL::bigint AS examined
FROM page AS p
WHERE p.status = 'executing'
    AND NOT EXISTS (SELECT FROM tasq.executing_job AS e WHERE e.job_id = p.id)
UNION ALL
SELECT p.id, 'unique-key-not-held', NULL, NULL
FROM page AS p
WHERE p.status IN ('scheduled', 'queued', 'executing')
    AND p.unique_key IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM tasq.unique_key AS k WHERE k.key = p.unique_key AND k.job_id = p.id)
UNION ALL
SELECT p.id, 'body-missing', NULL, NULL
FROM page AS p
WHERE p.status IN ('scheduled', 'queued', 'executing')
    AND NOT EXISTS (SELECT FROM tasq.payload AS b WHERE b.id = p.payload_id)
UNION ALL
SELECT p.id, 'no-attempt-left', NULL, NULL
FROM page AS p
WHERE p.status IN ('scheduled', 'queued') AND p.attempt >= p.max_attempts
UNION ALL
SELECT p.id, 'queued-not-due', NULL, NULL
FROM page AS p
WHERE p.status = 'queued' AND p.run_at > now() + interval '1 hour'
    AND p.run_at < now() + interval '101 years'
UNION ALL
SELECT p.id, 'scheduled-overdue', NULL, NULL
FROM page AS p
WHERE p.status = 'scheduled' AND p.run_at < now() - interval '1 day'
UNION ALL
SELECT p.id, 'never-due', NULL, NULL
FROM page AS p
WHERE p.status IN ('scheduled', 'queued') AND p.run_at >= now() + interval '101 years'
UNION ALL
SELECT NULL, NULL, (SELECT p.id::text FROM page AS p ORDER BY p.id DESC LIMIT 1),
    (SELECT count(*) FROM page AS p)
