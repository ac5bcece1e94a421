-- I21: a process that is asked to end claims nothing more, ends well, within its grace, or at once when
-- asked again, and leaves nothing to others but what it handed back, uncounted, while it still beat;
-- and that runs elsewhere soon.
WITH asked AS MATERIALIZED (
    SELECT s.name, s.pid, s.t
    FROM event AS s
    WHERE s.e = 'signalled' AND s.out IN ('TERM', 'INT')
        AND NOT EXISTS (
            SELECT FROM event AS o
            WHERE o.e = 'signalled' AND o.pid = s.pid
                AND (o.t < s.t AND o.out <> 'CONT' OR o.out = 'KILL'))
),
-- Workers that went in order.
gone AS MATERIALIZED (
    SELECT w.worker, w.n1
    FROM worker AS w
    JOIN process_end AS x ON x.pid = w.pid AND x.out IN ('exit 0', 'exit 130', 'exit 143')
    WHERE NOT allowed('false_deaths')
        AND NOT EXISTS (SELECT FROM disturbed AS d WHERE d.pid = w.pid)
)
SELECT s.name AS subject,
    coalesce(x.out, 'no end') || ' after ' || coalesce((x.t - s.t) / 1000000, 0) || ' ms' AS detail
FROM asked AS s
LEFT JOIN process_end AS x ON x.pid = s.pid AND x.t > s.t
WHERE x.t IS NULL OR x.out NOT IN ('exit 0', 'exit 130', 'exit 143')
    OR x.t > s.t + (cfg('grace_ms') + cfg('exit_ms')) * 1000000
UNION ALL
SELECT s.name, 'asked again, and there for ' || coalesce((x.t - s.t) / 1000000, 0) || ' ms'
FROM (
    SELECT e.name, e.pid, e.t, row_number() OVER (PARTITION BY e.pid ORDER BY e.t) AS place
    FROM event AS e
    WHERE e.e = 'signalled' AND e.out = 'TERM'
) AS s
LEFT JOIN process_end AS x ON x.pid = s.pid
WHERE s.place = 2 AND NOT EXISTS (SELECT FROM disturbed AS d WHERE d.pid = s.pid)
    AND (x.t IS NULL OR x.t > s.t + cfg('exit_ms') * 1000000)
UNION ALL
SELECT c.claim::text,
    'claimed ' || (mono(c.at0) - s.t) / 1000000 || ' ms after its worker was asked to end'
FROM asked AS s
JOIN worker AS w ON w.pid = s.pid
JOIN claim AS c ON c.worker = w.worker
WHERE allowed('clock_is_true') AND mono(c.at0) > s.t + cfg('last_claim_ms') * 1000000
UNION ALL
SELECT c.claim::text, 'left to the reaper by a worker that ended in order'
FROM claim AS c
JOIN gone AS g ON g.worker = c.worker
WHERE c.ending = 'reaped'
UNION ALL
SELECT c.claim::text, 'held by a worker that had signed off'
FROM claim AS c
JOIN gone AS g ON g.worker = c.worker
WHERE c.ending <> 'reaped' AND g.n1 IS NOT NULL AND (c.n1 IS NULL OR c.n1 > g.n1)
UNION ALL
SELECT c.claim::text, 'handed back, and not run elsewhere within ' || cfg('elsewhere_ms') || ' ms'
FROM claim AS c
LEFT JOIN LATERAL (
    SELECT n.at0 FROM claim AS n WHERE n.job = c.job AND n.n0 > c.n0 ORDER BY n.n0 LIMIT 1
) AS again ON TRUE
WHERE c.ending = 'handed back' AND cfg('elsewhere_ms') > 0
    AND (again.at0 IS NULL
        OR again.at0 > c.at1 + cfg('elsewhere_ms') * interval '1 millisecond')
    AND NOT EXISTS (
        SELECT FROM change AS u
        WHERE u.tbl = 'job' AND u.job = c.job AND u.n > c.n1 AND u.status = 'cancelled')
