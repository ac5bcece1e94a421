-- I12: undisturbed workers start the jobs of a queue and priority in the order in which they were
-- committed, but for those that came together, and those that are on board of one or another: within
-- `displacement`.
SELECT s.job::text AS subject, 'started ' || abs(s.started - s.committed) || ' places off' AS detail
FROM (
    SELECT r.job,
        row_number() OVER (PARTITION BY i.queue ORDER BY r.t0) AS started,
        row_number() OVER (PARTITION BY i.queue ORDER BY i.n) AS committed
    FROM run AS r
    JOIN change AS i ON i.tbl = 'job' AND i.op = 'I' AND i.job = r.job
    WHERE r.att = 1 AND i.status = 'queued'
) AS s
WHERE allowed('ordered') AND abs(s.started - s.committed) > cfg('displacement')
