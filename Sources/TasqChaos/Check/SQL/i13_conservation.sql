-- I13: what is in the table was asked for, once; requests for several jobs were stored whole or
-- not at all; nothing was deleted.
SELECT j.job::text AS subject, 'in the table, and nobody asked for it' AS detail
FROM job AS j
LEFT JOIN enq AS q ON q.token = j.token
WHERE q.token IS NULL AND NOT EXISTS (SELECT FROM tick AS t WHERE t.job = j.job)
UNION ALL
SELECT q.token, 'refused, and in the table all the same'
FROM enq AS q
JOIN job AS j ON j.token = q.token
WHERE q.refused
UNION ALL
SELECT q.batch, count(j.job) || ' of ' || count(*) || ' jobs of one request were stored'
FROM enq AS q
LEFT JOIN job AS j ON j.token = q.token
WHERE q.unique_key IS NULL
GROUP BY q.batch
HAVING count(j.job) NOT IN (0, count(*))
UNION ALL
SELECT u.job::text, 'deleted'
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'D'
