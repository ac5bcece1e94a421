-- Notes what the deployment has done so far, and forgets what is a day old, as well as workers that
-- have been gone for a week, some at a time.
--
--   $1 timestamptz  when that was counted
--   $2 … $5 bigint  jobs enqueued, claims made, claims ended, those ended in failure (see pulse.sql)
--   $6 bigint       jobs that were unfinished (see queues.sql)
--   $7, $8 bigint   microseconds that jobs claimed lately had been due, the median and the 99th
--                   percentile, or null
WITH old AS (
    DELETE FROM tasq.tally AS t
    WHERE t.at < $1::timestamptz - interval '1 day'
),
past AS MATERIALIZED (
    SELECT p.id
    FROM tasq.past_worker AS p
    WHERE p.ended_at < $1::timestamptz - interval '7 days'
    ORDER BY p.ended_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
),
forgotten AS (
    DELETE FROM tasq.past_worker AS p
    WHERE p.id = ANY (ARRAY(SELECT o.id FROM past AS o))
)
INSERT INTO tasq.tally AS t (at, enqueued, started, ended, failed, unfinished, p50_us, p99_us)
VALUES (
    $1::timestamptz, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint,
    $8::bigint)
ON CONFLICT DO NOTHING
