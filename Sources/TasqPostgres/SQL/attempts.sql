-- The attempts of a job, oldest first: at most 1000 that left a record, and the one that succeeded.
--
--   $1 uuid  the job
--
-- A success leaves no record; the job's row tells of it, but not which worker ran it. Where an attempt
-- ran is told for as long as its worker lives and for a week more. OFFSET 0: workers are looked up by
-- their ids, one by one, whatever the plan was made for.
SELECT
    a.attempt, a.claim, a.worker_id, a.outcome, a.reason, a.started_at, a.ended_at,
    coalesce(w.host, p.host) AS host, coalesce(w.pid, p.pid) AS pid
FROM (
    (
        SELECT
            r.attempt, r.claim, r.worker_id, r.outcome, r.reason, r.started_at, r.ended_at
        FROM tasq.attempt AS r
        WHERE r.job_id = $1::uuid
        ORDER BY r.started_at, r.ended_at
        LIMIT 1000
    )
    UNION ALL
    SELECT
        j.attempt, j.last_claim, NULL::uuid, 'success', NULL::text, j.claimed_at, j.finished_at
    FROM tasq.job AS j
    WHERE j.id = $1::uuid AND j.status = 'success' AND j.claimed_at IS NOT NULL
        AND j.last_claim IS NOT NULL
) AS a
LEFT JOIN LATERAL (
    SELECT l.host, l.pid
    FROM tasq.worker AS l
    WHERE l.id = a.worker_id
    OFFSET 0
) AS w ON TRUE
LEFT JOIN LATERAL (
    SELECT g.host, g.pid
    FROM tasq.past_worker AS g
    WHERE g.id = a.worker_id
    OFFSET 0
) AS p ON TRUE
ORDER BY a.started_at, a.ended_at
