-- What has failed and what is tried again, by queue and kind, never looking at more jobs than it is
-- told to, however many there are.
--
--   $1 bigint  jobs counted at most, once of those in `error` and once of those tried again; every
--              queue and kind is counted to twenty all the same
--   $2 bigint  queues with a kind at most, once each likewise
--
-- Returns the queue and the kind, jobs in `error`, those of them that got there within the last hour
-- and the last day, jobs that wait for another attempt after one that failed, and whether there are
-- more of either than were counted. The newest failures are counted first, so of an hour too few are
-- counted only where all that were counted are of that hour.
--
-- The names come from a walk that jumps from kind to kind in the index, and each kind is counted from
-- its newest on: in the index's order and looked at afterwards, as in queues.sql, where it also says why;
-- sweep.sql says why `status` is asked for twice, and migration 0012 why from both sides.
WITH RECURSIVE failing AS (
    (
        SELECT j.queue, j.kind
        FROM tasq.job AS j
        WHERE ((j.status >= 'error' AND j.status <= 'error') OR j.status = ANY ('{error}'))
            AND j.finished_at IS NOT NULL
        ORDER BY j.queue, j.kind, j.finished_at
        LIMIT 1
    )
    UNION ALL
    SELECT n.queue, n.kind
    FROM failing AS f
    CROSS JOIN LATERAL (
        SELECT j.queue, j.kind
        FROM tasq.job AS j
        WHERE ((j.status >= 'error' AND j.status <= 'error') OR j.status = ANY ('{error}'))
            AND j.finished_at IS NOT NULL
            AND (j.queue, j.kind) > (f.queue, f.kind)
        ORDER BY j.queue, j.kind, j.finished_at
        LIMIT 1
    ) AS n
),
retrying AS (
    (
        SELECT j.queue, j.kind
        FROM tasq.job AS j
        WHERE ((j.status >= 'scheduled' AND j.status <= 'scheduled') OR j.status = ANY ('{scheduled}'))
            AND j.attempt > 0
        ORDER BY j.queue, j.kind, j.run_at
        LIMIT 1
    )
    UNION ALL
    SELECT n.queue, n.kind
    FROM retrying AS r
    CROSS JOIN LATERAL (
        SELECT j.queue, j.kind
        FROM tasq.job AS j
        WHERE ((j.status >= 'scheduled' AND j.status <= 'scheduled') OR j.status = ANY ('{scheduled}'))
            AND j.attempt > 0
            AND (j.queue, j.kind) > (r.queue, r.kind)
        ORDER BY j.queue, j.kind, j.run_at
        LIMIT 1
    ) AS n
),
failed AS MATERIALIZED (
    SELECT l.queue, l.kind, greatest(20, $1::bigint / count(*) OVER ()) AS share
    FROM (SELECT f.queue, f.kind FROM failing AS f LIMIT $2::bigint) AS l
),
again AS MATERIALIZED (
    SELECT l.queue, l.kind, greatest(20, $1::bigint / count(*) OVER ()) AS share
    FROM (SELECT r.queue, r.kind FROM retrying AS r LIMIT $2::bigint) AS l
),
counted AS (
    SELECT
        f.queue, f.kind, least(c.jobs, f.share) AS errors, least(c.of_hour, f.share) AS of_hour,
        least(c.of_day, f.share) AS of_day, 0 AS retrying, c.jobs > f.share AS more_errors,
        FALSE AS more_retrying
    FROM failed AS f
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS jobs,
            count(*) FILTER (WHERE n.finished_at > now() - interval '1 hour') AS of_hour,
            count(*) FILTER (WHERE n.finished_at > now() - interval '1 day') AS of_day
        FROM (
            SELECT j.queue, j.kind, j.finished_at
            FROM tasq.job AS j
            WHERE ((j.status >= 'error' AND j.status <= 'error') OR j.status = ANY ('{error}'))
                AND j.finished_at IS NOT NULL
                AND (j.queue, j.kind) <= (f.queue, f.kind)
            ORDER BY j.queue DESC, j.kind DESC, j.finished_at DESC
            LIMIT f.share + 1
        ) AS n
        WHERE n.queue = f.queue AND n.kind = f.kind
    ) AS c
    UNION ALL
    SELECT a.queue, a.kind, 0, 0, 0, least(c.jobs, a.share), FALSE, c.jobs > a.share
    FROM again AS a
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs
        FROM (
            SELECT j.queue, j.kind
            FROM tasq.job AS j
            WHERE ((j.status >= 'scheduled' AND j.status <= 'scheduled') OR j.status = ANY ('{scheduled}'))
                AND j.attempt > 0
                AND (j.queue, j.kind) >= (a.queue, a.kind)
            ORDER BY j.queue, j.kind, j.run_at
            LIMIT a.share + 1
        ) AS n
        WHERE n.queue = a.queue AND n.kind = a.kind
    ) AS c
)
SELECT
    c.queue, c.kind, sum(c.errors)::bigint AS errors, sum(c.of_hour)::bigint AS of_hour,
    sum(c.of_day)::bigint AS of_day, sum(c.retrying)::bigint AS retrying,
    bool_or(c.more_errors) AS more_errors, bool_or(c.more_retrying) AS more_retrying
FROM counted AS c
GROUP BY c.queue, c.kind
ORDER BY c.queue, c.kind
