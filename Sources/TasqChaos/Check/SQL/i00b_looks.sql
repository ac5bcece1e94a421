-- I0b: both servers were looked at all the time, but while a fault kept that from being done, and
-- again before the run ended.
WITH server (name) AS (VALUES ('postgres'), ('redis')),
-- The looks, and the edges of what may keep them from being made.
point AS (
    SELECT p.name, p.t, lag(p.t) OVER (PARTITION BY p.name ORDER BY p.t) AS before
    FROM (
        SELECT l.name, l.t FROM event AS l WHERE l.e = 'sample' AND l.name IN ('postgres', 'redis')
        UNION ALL
        SELECT k.name, edge.t
        FROM server AS k
        CROSS JOIN (
            SELECT t0 AS t FROM span
            UNION ALL SELECT t1 FROM span
            UNION ALL SELECT t0 FROM disturbance
            UNION ALL SELECT healed FROM disturbance
        ) AS edge
    ) AS p
    WHERE p.t BETWEEN (SELECT t0 FROM span) AND (SELECT t1 FROM span)
)
SELECT p.name AS subject, 'not looked at for ' || (p.t - p.before) / 1000000 || ' ms' AS detail
FROM point AS p
WHERE p.t - p.before > cfg('look_ms') * 1000000
    AND NOT EXISTS (
        SELECT FROM disturbance AS d WHERE d.t0 <= p.before AND d.healed >= p.t)
UNION ALL
SELECT k.name, 'not looked at any more when the run ended'
FROM server AS k, span
WHERE span.t1 - cfg('look_ms') * 1000000 > coalesce((
    SELECT max(l.t) FROM event AS l WHERE l.e = 'sample' AND l.name = k.name), 0)
