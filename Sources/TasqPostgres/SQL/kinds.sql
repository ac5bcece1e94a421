-- The kinds of the newest jobs, by name.
--
--   $1 bigint  jobs that each walk looks at, at most   $2 bigint  kinds, at most
--
-- All kinds there have ever been would be a walk over the history: no index begins with the kind. Two
-- walks as in jobs.sql: in the order of ids alone, jobs whose ids do not grow with time would stand
-- before all others, and with many of them the others would not be seen.
SELECT DISTINCT n.kind
FROM (
    (
        SELECT j.kind
        FROM tasq.job AS j
        WHERE j.id >= '016f5e66-e800-0000-0000-000000000000'
            AND j.id < '03bb2cc3-d800-0000-0000-000000000000'
        ORDER BY j.id DESC
        LIMIT $1::bigint
    )
    UNION ALL
    (
        SELECT j.kind
        FROM tasq.job AS j
        WHERE j.id < '016f5e66-e800-0000-0000-000000000000'
            OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
        ORDER BY j.enqueued_at DESC, j.id DESC
        LIMIT $1::bigint
    )
) AS n
ORDER BY n.kind
LIMIT $2::bigint
