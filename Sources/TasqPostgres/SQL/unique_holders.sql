-- The unfinished jobs that hold these unique keys, and which of these jobs stand already.
--
--   $1 text[]  unique keys
--   $2 uuid[]  ids of the jobs that asked for them
--
-- The last column is where the holder stands, null for a key whose job is gone; see release.sql. ANY
-- as in settle.sql.
SELECT
    k.key, k.job_id,
    (SELECT h.status::text FROM tasq.job AS h WHERE h.id = ANY (ARRAY[k.job_id])) AS status
FROM tasq.unique_key AS k
WHERE k.key = ANY ($1::text[])
UNION ALL
SELECT NULL, j.id, NULL
FROM tasq.job AS j
WHERE j.id = ANY ($2::uuid[])
