-- What puts jobs off, as the jobs say that it has put off and that wait for their time.
--
--   $1 bigint  scheduled jobs looked at, at most: those that are due first
--   $2 bigint  groups at most: the largest
--
-- Returns in each row whether there are more scheduled jobs than were looked at, and of a group how many
-- jobs there are, ten of their queues, the reason that stands with the one claimed last, since when one of
-- them has been put off, when the last one was claimed, and when the first and the last are due. A
-- group is what waits for one origin, however often that had failed when its jobs were put off (see
-- HoldReason.swift), or what has one reason. Without any there is one row that says nothing of them.
--
-- A walk of job_scheduled that ends where it is told to, as in queues.sql: what has been put off comes back
-- within minutes, and so stands before what was scheduled for later. There is no index for these jobs
-- alone, as every job that is put off would pay for it.
WITH looked AS MATERIALIZED (
    SELECT j.queue, j.run_at, j.claimed_at, j.put_off_at, j.put_off_reason
    FROM tasq.job AS j
    WHERE j.status = 'scheduled'
    ORDER BY j.run_at
    LIMIT (SELECT $1::bigint + 1)
),
told AS (
    SELECT
        count(*) AS jobs, min(l.put_off_at) AS since, max(l.claimed_at) AS latest,
        min(l.run_at) AS next_at, max(l.run_at) AS last_at,
        (array_agg(DISTINCT l.queue))[1:10] AS queues,
        (array_agg(l.put_off_reason ORDER BY l.claimed_at DESC NULLS LAST))[1] AS reason
    FROM looked AS l
    WHERE l.put_off_reason IS NOT NULL
    GROUP BY coalesce(substring(l.put_off_reason FROM '^held back since ([^ ]+) '), l.put_off_reason)
    ORDER BY count(*) DESC, min(l.put_off_reason)
    LIMIT (SELECT $2::bigint)
)
SELECT s.has_more, t.jobs, t.queues, t.reason, t.since, t.latest, t.next_at, t.last_at
FROM (SELECT count(*) > $1::bigint AS has_more FROM looked AS l) AS s
LEFT JOIN told AS t ON TRUE
ORDER BY t.jobs DESC, t.reason
