-- Deletes finished jobs that have been kept long enough, with their attempts and bodies.
--
--   $1 uuid[]         ids
--   $2 text[]         the status of each as it was seen (expired.sql)
--   $3 timestamptz[]  when each had ended
--
-- One row for each that went. Since it was seen a job may have been retried, or have run and ended once
-- more: it is looked at again under its lock, and left alone unless it stands as it stood. So is one that
-- somebody has locked: the next round comes by. The locks are those of delete.sql, in the same order, and
-- so is the rest, in parts/deleted.sql. Sorted by the given ids, which is the same: by those of the jobs, a
-- plan made while the table was empty walks all of its index.
WITH locked AS MATERIALIZED (
    SELECT j.id, j.payload_id, j.status, j.xmin AS version
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS x (id, status, finished_at)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[x.id])
    WHERE j.status::text = x.status
        AND j.status IN ('success', 'error', 'cancelled')
        AND j.finished_at = x.finished_at
    ORDER BY x.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
@deleted
SELECT g.id
FROM gone AS g
