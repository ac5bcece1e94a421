-- Notes what the deployment has done so far, and forgets what is a day old.
--
--   $1 timestamptz  when that was counted
--   $2 … $5 bigint  jobs enqueued, claims made, claims ended, those ended in failure (see pulse.sql)
--   $6 bigint       jobs that were unfinished (see queues.sql)
--   $7, $8 bigint   microseconds that jobs claimed lately had been due, the median and the 99th
--                   percentile, or null
WITH old AS (
    DELETE FROM tasq.tally AS t
    WHERE t.at < $1::timestamptz - interval '1 day'
)
INSERT INTO tasq.tally AS t (at, enqueued, started, ended, failed, unfinished, p50_us, p99_us)
VALUES (
    $1::timestamptz, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint,
    $8::bigint)
ON CONFLICT DO NOTHING
