-- I17: every tick of a schedule has one job, which has come to its end, and between the first and the
-- last of them none was missed, whoever led.
SELECT t.schedule AS subject, 'the job of ' || t.at || ' is ' || coalesce(j.status, 'gone') AS detail
FROM tick AS t
LEFT JOIN job AS j ON j.job = t.job
WHERE j.job IS NULL OR j.status NOT IN ('success', 'error', 'cancelled')
UNION ALL
SELECT j.job::text, 'put in by a schedule, and for no tick'
FROM job AS j
WHERE j.kind = 'tick' AND NOT EXISTS (SELECT FROM tick AS t WHERE t.job = j.job)
UNION ALL
SELECT t.schedule, count(*) || ' jobs of the tick ' || t.at
FROM tick AS t
GROUP BY t.schedule, t.at
HAVING count(*) > 1
UNION ALL
SELECT t.schedule, 'nothing between ' || t.before || ' and ' || t.at
FROM (
    SELECT schedule, at, lag(at) OVER (PARTITION BY schedule ORDER BY at) AS before FROM tick
) AS t
WHERE t.at - t.before > 1.5 * cfg('tick_ms') * interval '1 millisecond'
