-- I10: while a slot is free, no job that is due waits long. Three looks in a row count, because a
-- look takes a moment in which both may be true; and where more jobs are due than slots are free,
-- which is a backlog being worked off, only if nothing was claimed in all that time.
SELECT s.t::text AS subject, s.oldest_ms || ' ms beside ' || s.free_slots || ' free slots' AS detail
FROM (
    SELECT *,
        min(least(free_slots, oldest_ms - cfg('pick_ms'))) OVER looks AS worst,
        max(due - free_slots) OVER looks AS excess,
        min(t) OVER looks AS since,
        bool_or(disturbed) OVER looks AS excused
    FROM sample
    WINDOW looks AS (ORDER BY t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
) AS s
WHERE s.worst > 0 AND NOT (s.excused AND allowed('excuse_stuck'))
    AND (s.excess <= 0 OR NOT EXISTS (
        SELECT FROM claim AS c WHERE mono(c.committed0) BETWEEN s.since AND s.t))
