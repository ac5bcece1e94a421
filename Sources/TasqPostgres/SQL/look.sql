-- One look at what is going on, for those who watch.
--
--   $1 uuid    jobs from this id on may have come and gone since the last look
--   $2 uuid[]  jobs that the last look saw executing
--   $3 bigint  rows of each part at most
--   $4 uuid    jobs below this id   $5 timestamptz  those whose ids do not grow with time (see
--              jobs.sql): enqueued from then on
--
-- Nothing on the way of a job writes anything for this, so it shows what four indexes can:
-- which claims stand now, what became of those that stood before, and which jobs were enqueued
-- and finished between two looks. A job from an old backlog that starts and ends between two looks
-- is not seen, nor one with twenty times $3 newer ones. The newest are shown where there are too many. ANY
-- as in settle.sql.
(
    SELECT 'start' AS part, j.id, j.kind, j.queue, j.status::text, e.attempt, e.id AS claim,
        e.worker_id
    FROM (
        SELECT x.job_id, x.id, x.worker_id, x.attempt
        FROM tasq.executing_job AS x
        ORDER BY x.claimed_at DESC
        LIMIT $3::bigint
    ) AS e
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[e.job_id])
)
UNION ALL
(
    SELECT 'end', j.id, j.kind, j.queue, j.status::text, j.attempt, j.last_claim, NULL
    FROM tasq.job AS j
    WHERE j.id = ANY ($2::uuid[])
)
UNION ALL
(
    SELECT 'end', n.id, n.kind, n.queue, n.status::text, n.attempt, n.last_claim, NULL
    FROM (
        SELECT j.id, j.kind, j.queue, j.status, j.attempt, j.last_claim
        FROM tasq.job AS j
        WHERE j.id >= $1::uuid AND j.id < $4::uuid
        ORDER BY j.id DESC
        LIMIT $3::bigint * 20
    ) AS n
    WHERE n.last_claim IS NOT NULL AND n.status <> 'executing'
    ORDER BY n.id DESC
    LIMIT $3::bigint
)
UNION ALL
(
    SELECT 'end', n.id, n.kind, n.queue, n.status::text, n.attempt, n.last_claim, NULL
    FROM (
        SELECT j.id, j.kind, j.queue, j.status, j.attempt, j.last_claim, j.enqueued_at
        FROM tasq.job AS j
        WHERE (
                j.id < '016f5e66-e800-0000-0000-000000000000'
                OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
            )
            AND j.enqueued_at >= $5::timestamptz
        ORDER BY j.enqueued_at DESC, j.id DESC
        LIMIT $3::bigint * 20
    ) AS n
    WHERE n.last_claim IS NOT NULL AND n.status <> 'executing'
    ORDER BY n.enqueued_at DESC, n.id DESC
    LIMIT $3::bigint
)
