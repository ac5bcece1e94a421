-- Moves scheduled jobs that are due to `queued`, and tells when the next one is due.
--
--   $1 bigint  how many jobs at most
--
-- The last row has no id and carries the microseconds until the next scheduled job is due, null
-- when there is none. SKIP LOCKED: several promoters at once share the work. ANY as in settle.sql.
WITH due AS MATERIALIZED (
    SELECT j.id
    FROM tasq.job AS j
    WHERE j.status = 'scheduled' AND j.run_at <= now()
    ORDER BY j.run_at
    LIMIT $1::bigint
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
promoted AS (
    UPDATE tasq.job AS j
    SET status = 'queued'
    FROM due AS d
    WHERE j.id = ANY (ARRAY[d.id])
    RETURNING j.id, j.queue, j.priority
)
SELECT p.id, p.queue, p.priority, NULL::bigint AS next_us
FROM promoted AS p
UNION ALL
SELECT NULL, NULL, NULL, (extract(epoch FROM min(j.run_at) - now()) * 1000000)::bigint
FROM tasq.job AS j
WHERE j.status = 'scheduled' AND j.run_at > now()
