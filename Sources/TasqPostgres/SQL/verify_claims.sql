-- What is wrong with a stretch of the claims, in the order of their jobs' ids.
--
--   $1 text    after this job's id, empty for the first page
--   $2 bigint  claims to look at, at most
--
-- Like verify_jobs.sql. A claim without a worker is also what a dead worker leaves until the
-- reaper's next look, so whoever asks looks twice.
WITH page AS MATERIALIZED (
    SELECT e.job_id, e.worker_id, e.attempt
    FROM tasq.executing_job AS e
    WHERE e.job_id > coalesce(nullif($1::text, '')::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY e.job_id
    LIMIT $2::bigint
)
SELECT p.job_id, 'claim-without-worker' AS finding, NULL::text AS last, NULL::bigint AS examined
FROM page AS p
WHERE NOT EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = p.worker_id)
UNION ALL
SELECT p.job_id, 'claim-of-a-job-not-executing', NULL, NULL
FROM page AS p
WHERE NOT EXISTS (
    SELECT FROM tasq.job AS j WHERE j.id = p.job_id AND j.status = 'executing')
UNION ALL
SELECT p.job_id, 'attempt-miscounted', NULL, NULL
FROM page AS p
JOIN tasq.job AS j ON j.id = p.job_id
WHERE j.status = 'executing' AND j.attempt <> p.attempt
UNION ALL
SELECT NULL, NULL, (SELECT p.job_id::text FROM page AS p ORDER BY p.job_id DESC LIMIT 1),
    (SELECT count(*) FROM page AS p)
