-- I21: a process that is asked to end ends well, within its grace, and leaves nothing to others but
-- what it handed back, uncounted.
SELECT s.name AS subject,
    coalesce(x.out, 'no end') || ' after ' || coalesce((x.t - s.t) / 1000000, 0) || ' ms' AS detail
FROM event AS s
LEFT JOIN process_end AS x ON x.pid = s.pid AND x.t > s.t
WHERE s.e = 'signalled' AND s.out = 'TERM'
    AND NOT EXISTS (
        SELECT FROM event AS o
        WHERE o.e = 'signalled' AND o.pid = s.pid
            AND (o.t < s.t AND o.out <> 'CONT' OR o.out = 'KILL'))
    AND (x.t IS NULL OR x.out NOT IN ('exit 0', 'exit 143')
        OR x.t > s.t + (cfg('grace_ms') + 7000) * 1000000)
UNION ALL
SELECT c.claim::text, 'left to the reaper by a worker that ended in order'
FROM claim AS c
JOIN worker AS w ON w.worker = c.worker
JOIN process_end AS x ON x.pid = w.pid AND x.out IN ('exit 0', 'exit 143')
WHERE c.ending = 'reaped' AND NOT allowed('false_deaths')
    AND NOT EXISTS (SELECT FROM disturbed AS d WHERE d.pid = w.pid)
