-- Deletes jobs that are not running, with their attempts and bodies.
--
--   $1 uuid[]  ids
--
-- One row for each that exists: `done`, `wrong` (it is executing: cancel it first) or `locked`
-- (ask again); `status` is where it stood under the lock. Job rows are locked first and in id
-- order, as everywhere; ANY as in settle.sql. What becomes of the locked ones stands in parts/deleted.sql.
WITH locked AS MATERIALIZED (
    SELECT j.id, j.payload_id, j.status, j.xmin AS version
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
@deleted
SELECT
    j.id, coalesce(h.status, j.status)::text AS status, j.queue, j.priority,
    CASE
        WHEN g.id IS NOT NULL THEN 'done'
        WHEN h.id IS NULL THEN 'locked'
        ELSE 'wrong'
    END AS result,
    NULL::uuid AS holder
FROM tasq.job AS j
LEFT JOIN held AS h ON h.id = j.id
LEFT JOIN gone AS g ON g.id = j.id
WHERE j.id = ANY ($1::uuid[])
