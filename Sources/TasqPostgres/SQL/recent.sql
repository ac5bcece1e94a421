-- How the jobs enqueued since a time went, in equal buckets of time, for charts.
--
--   $1 uuid         jobs from this id on (ids grow with time)
--   $2 timestamptz  the time the first bucket begins   $3 bigint  how many buckets end now
--   $4 bigint       jobs at most, the newest, and as many whose ids do not grow with time (see
--                   jobs.sql)   $5 uuid  jobs below this id
--
-- Returns bucket, jobs enqueued and finished in it, how long jobs claimed in it had been due (the
-- median and the 95th percentile in microseconds, or null), and the microseconds that all buckets
-- cover. Bounded by $4, whatever the history: where there are more jobs than that, the first bucket
-- begins with the oldest one looked at, for nothing is known of the time before.
WITH recent AS MATERIALIZED (
    (
        SELECT j.enqueued_at, j.finished_at, j.claimed_at, j.run_at
        FROM tasq.job AS j
        WHERE j.id >= $1::uuid AND j.id < $5::uuid
        ORDER BY j.id DESC
        LIMIT $4::bigint
    )
    UNION ALL
    (
        SELECT j.enqueued_at, j.finished_at, j.claimed_at, j.run_at
        FROM tasq.job AS j
        WHERE (
                j.id < '016f5e66-e800-0000-0000-000000000000'
                OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
            )
            AND j.enqueued_at >= $2::timestamptz
        ORDER BY j.enqueued_at DESC, j.id DESC
        LIMIT $4::bigint
    )
),
spanned AS (
    SELECT
        s.start,
        greatest(1, floor(extract(epoch FROM now() - s.start) * 1000000 / $3::bigint))::bigint AS width
    FROM (
        SELECT
            CASE
                WHEN count(*) < $4::bigint THEN $2::timestamptz
                ELSE least(greatest($2::timestamptz, min(r.enqueued_at)), now() - interval '1 s')
            END AS start
        FROM recent AS r
    ) AS s
),
placed AS (
    SELECT
        r.*,
        floor(extract(epoch FROM r.enqueued_at - s.start) * 1000000 / s.width)::bigint AS enqueued_in,
        floor(extract(epoch FROM r.finished_at - s.start) * 1000000 / s.width)::bigint AS finished_in,
        floor(extract(epoch FROM r.claimed_at - s.start) * 1000000 / s.width)::bigint AS claimed_in
    FROM recent AS r
    CROSS JOIN spanned AS s
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
    max(c.waits[1])::bigint AS p50_us, max(c.waits[2])::bigint AS p95_us,
    s.width * $3::bigint AS span_us
FROM counted AS c
CROSS JOIN spanned AS s
GROUP BY c.bucket, s.width
ORDER BY c.bucket
