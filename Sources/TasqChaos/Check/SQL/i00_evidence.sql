-- I0: there was enough to judge by. Both servers were looked at; every line of every log can be
-- read; the record of changes tells how each job came to its end; whoever settled claims logged
-- runs; an old primary that lived on was asked what it had; the load did all that it is there for.
SELECT k.name AS subject, 'never looked at' AS detail
FROM (VALUES ('postgres'), ('redis')) AS k (name)
WHERE NOT EXISTS (SELECT FROM event AS l WHERE l.e = 'sample' AND l.name = k.name)
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
SELECT 'old primary', 'nobody asked what it had in the end'
WHERE allowed('asked_old')
    AND NOT (EXISTS (SELECT FROM old_job) AND EXISTS (SELECT FROM old_claim))
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
