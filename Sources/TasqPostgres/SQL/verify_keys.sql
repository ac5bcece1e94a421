-- What is wrong with a stretch of the unique keys, in their own order.
--
--   $1 text    after this key, empty for the first page
--   $2 bigint  keys to look at, at most
--
-- Like verify_jobs.sql. A key whose job is over would refuse its next job for ever.
WITH page AS MATERIALIZED (
    SELECT k.key, k.job_id
    FROM tasq.unique_key AS k
    WHERE k.key > $1::text
    ORDER BY k.key
    LIMIT $2::bigint
)
SELECT p.job_id, 'unique-key-of-a-finished-job' AS finding, NULL::text AS last,
    NULL::bigint AS examined
FROM page AS p
WHERE NOT EXISTS (
    SELECT FROM tasq.job AS j
    WHERE j.id = p.job_id AND j.status IN ('scheduled', 'queued', 'executing'))
UNION ALL
SELECT p.job_id, 'unique-key-its-job-has-not', NULL, NULL
FROM page AS p
JOIN tasq.job AS j ON j.id = p.job_id
WHERE j.status IN ('scheduled', 'queued', 'executing') AND j.unique_key IS DISTINCT FROM p.key
UNION ALL
SELECT NULL, NULL, (SELECT p.key FROM page AS p ORDER BY p.key DESC LIMIT 1),
    (SELECT count(*) FROM page AS p)
