-- I22: nobody is told that a job is stored before it is committed.
SELECT q.token AS subject, 'acknowledged before its commit' AS detail
FROM enq AS q
JOIN change AS i ON i.tbl = 'job' AND i.op = 'I' AND i.token = q.token
WHERE allowed('clock_is_true') AND q.acknowledged < mono(i.committed) - 2000000
