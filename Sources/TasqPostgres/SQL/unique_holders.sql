-- The unfinished jobs that hold these unique keys, and which of these jobs stand already.
--
--   $1 text[]  unique keys
--   $2 uuid[]  ids of the jobs that asked for them
SELECT k.key, k.job_id
FROM tasq.unique_key AS k
WHERE k.key = ANY ($1::text[])
UNION ALL
SELECT NULL, j.id
FROM tasq.job AS j
WHERE j.id = ANY ($2::uuid[])
