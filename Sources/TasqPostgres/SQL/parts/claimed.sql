-- The second half of every claim: what was locked in `due` is claimed, moved and returned.
--
--   @worker  the worker
--
-- `attempt` is taken from the locking select, never read again (claim.sql says why). ON CONFLICT: no row
-- can stand in the way while the job row is locked and queued; should one, it must not hold back the
-- others. LEFT JOIN: a claim must never be made and not returned. A body above 65536 bytes is left out:
-- hundreds of them at once could be more than the worker's memory, so each is read when its job runs
-- (piece.sql). The length is known without reading the body.
claimed AS (
    INSERT INTO tasq.executing_job AS e (job_id, id, worker_id, attempt, claimed_at)
    SELECT d.id, gen_random_uuid(), @worker::uuid, d.attempt + 1, now()
    FROM due AS d
    ON CONFLICT (job_id) DO NOTHING
    RETURNING e.job_id, e.id, e.attempt
),
moved AS (
    UPDATE tasq.job AS j
    SET status = 'executing', attempt = c.attempt, claimed_at = now()
    FROM claimed AS c
    WHERE j.id = ANY (ARRAY[c.job_id])
    RETURNING j.id, c.id AS claim, j.kind, j.run_at, j.payload_id, j.attempt, j.crashes, j.budget,
        j.put_off_at, @options_of(row: j)
)
SELECT
    m.id, m.claim, m.kind, m.run_at, m.payload_id, m.attempt, m.crashes, p.source, p.content_type,
    p.headers, CASE WHEN octet_length(p.body) <= 65536 THEN p.body END AS body, now() AS claimed_at,
    m.max_attempts - coalesce(m.budget, m.max_attempts) AS before, m.put_off_at,
    octet_length(p.body)::bigint AS bytes, @options_of(row: m)
FROM moved AS m
LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[m.payload_id])
