-- I0: there was enough to judge by. Both servers were looked at all the time, but while a fault kept
-- that from being done; every line of every log can be read; the record of changes tells how each job
-- came to its end; whoever settled claims logged runs; the load did all that it is there for.
WITH span AS MATERIALIZED (
    SELECT
        (SELECT min(t) FROM event WHERE e = 'phase' AND name = 'load') AS t0,
        (SELECT max(t) FROM event WHERE e = 'phase' AND name IN ('drain', 'end')) AS t1
),
server (name) AS (VALUES ('postgres'), ('redis')),
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
UNION ALL
SELECT 'phases', 'nobody noted when the load began and ended'
FROM span
WHERE span.t0 IS NULL OR span.t1 IS NULL
UNION ALL
SELECT 'log', 'not to be read: ' || left(l.line, 80)
FROM torn AS l
UNION ALL
SELECT j.token, 'no record of how it became ' || j.status
FROM job AS j
WHERE NOT EXISTS (
    SELECT FROM change AS u WHERE u.tbl = 'job' AND u.job = j.job AND u.status = j.status)
UNION ALL
SELECT w.worker::text, count(*) || ' claims settled, and no handler was seen'
FROM claim AS c
JOIN worker AS w ON w.worker = c.worker
LEFT JOIN run AS r ON r.claim = c.claim
WHERE c.ending = 'settled' AND c.next_status IN ('success', 'error', 'scheduled')
GROUP BY w.worker
HAVING count(r.claim) = 0
UNION ALL
SELECT 'load', a.jobs || ' jobs acknowledged of ' || cfg('jobs')
FROM (SELECT count(*) AS jobs FROM enq WHERE acknowledged IS NOT NULL) AS a
WHERE a.jobs < cfg('jobs')
UNION ALL
SELECT 'load', 'no job was ' || wanted.what
FROM (VALUES ('read', 'found'), ('called off', 'cancel.done')) AS wanted (what, e)
WHERE cfg('mixture_from') > 0
    AND (SELECT count(*) FROM enq WHERE acknowledged IS NOT NULL) >= cfg('mixture_from')
    AND NOT EXISTS (SELECT FROM event AS f WHERE f.e = wanted.e)
