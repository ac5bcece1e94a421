-- How the jobs enqueued since a time went, in equal buckets of time, for charts.
--
--   $1 uuid         jobs from this id on (ids grow with time)
--   $2 timestamptz  the time the first bucket begins   $3 bigint  microseconds of a bucket
--   $4 bigint       jobs at most, the newest   $5 uuid  jobs below this id (see look.sql)
--
-- Returns bucket, jobs enqueued and finished in it, and how long jobs claimed in it had been due:
-- the median and the 95th percentile in microseconds, or null. Bounded by $4, whatever the history.
WITH recent AS MATERIALIZED (
    SELECT j.enqueued_at, j.finished_at, j.claimed_at, j.run_at
    FROM tasq.job AS j
    WHERE j.id >= $1::uuid AND j.id < $5::uuid
    ORDER BY j.id DESC
    LIMIT $4::bigint
),
placed AS (
    SELECT
        r.*,
        floor(extract(epoch FROM r.enqueued_at - $2::timestamptz) * 1000000 / $3::bigint)::bigint AS enqueued_in,
        floor(extract(epoch FROM r.finished_at - $2::timestamptz) * 1000000 / $3::bigint)::bigint AS finished_in,
        floor(extract(epoch FROM r.claimed_at - $2::timestamptz) * 1000000 / $3::bigint)::bigint AS claimed_in
    FROM recent AS r
),
counted AS (
    SELECT p.enqueued_in AS bucket, count(*) AS enqueued, 0 AS finished, NULL::float8[] AS waits
    FROM placed AS p
    GROUP BY p.enqueued_in
    UNION ALL
    SELECT p.finished_in, 0, count(*), NULL
    FROM placed AS p
    WHERE p.finished_in IS NOT NULL
    GROUP BY p.finished_in
    UNION ALL
    SELECT p.claimed_in, 0, 0,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
            ORDER BY extract(epoch FROM p.claimed_at - p.run_at) * 1000000)
    FROM placed AS p
    WHERE p.claimed_in IS NOT NULL AND p.claimed_at >= p.run_at
    GROUP BY p.claimed_in
)
SELECT
    c.bucket, sum(c.enqueued)::bigint AS enqueued, sum(c.finished)::bigint AS finished,
    max(c.waits[1])::bigint AS p50_us, max(c.waits[2])::bigint AS p95_us
FROM counted AS c
GROUP BY c.bucket
ORDER BY c.bucket
