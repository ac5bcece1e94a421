-- Frees unique keys whose jobs are gone.
--
--   $1 text[]  keys   $2 uuid[]  the jobs that held them when unique_holders.sql did not find these
--
-- A key and its job are written together, so whoever saw a key without its job saw one that was
-- deleted, by hand or by a restore: it does not come back, and its key is nobody's. A key that somebody
-- has locked is being freed, and is not waited for: of two that free the same keys, each in an order of
-- its own, each could wait for the other.
WITH held AS MATERIALIZED (
    SELECT k.key, k.job_id
    FROM unnest($1::text[], $2::uuid[]) AS u (key, job_id)
    JOIN tasq.unique_key AS k ON k.key = ANY (ARRAY[u.key])
    WHERE k.job_id = u.job_id
    FOR UPDATE OF k SKIP LOCKED
)
DELETE FROM tasq.unique_key AS k
USING held AS h
WHERE k.key = ANY (ARRAY[h.key]) AND k.job_id = h.job_id
