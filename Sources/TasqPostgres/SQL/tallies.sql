-- What the deployment had done by certain times, oldest first, for charts: the newest 1000.
--
--   $1 timestamptz  noted from then on
SELECT n.at, n.enqueued, n.started, n.ended, n.failed, n.unfinished, n.p50_us, n.p99_us
FROM (
    SELECT t.at, t.enqueued, t.started, t.ended, t.failed, t.unfinished, t.p50_us, t.p99_us
    FROM tasq.tally AS t
    WHERE t.at >= $1::timestamptz
    ORDER BY t.at DESC
    LIMIT 1000
) AS n
ORDER BY n.at
