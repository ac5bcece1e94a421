-- Frees unique keys whose jobs are gone.
--
--   $1 text[]  keys   $2 uuid[]  the jobs that held them when unique_holders.sql did not find these
--
-- A key and its job are written together, so whoever saw a key without its job saw one that was
-- deleted, by hand or by a restore: it does not come back, and its key is nobody's.
DELETE FROM tasq.unique_key AS k
USING unnest($1::text[], $2::uuid[]) AS u (key, job_id)
WHERE k.key = ANY (ARRAY[u.key]) AND k.job_id = u.job_id
