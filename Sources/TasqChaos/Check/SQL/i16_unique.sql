-- I16: a request that is repeated stores its jobs once; of a unique key one unfinished job stands
-- at a time.
SELECT j.token AS subject, count(*) || ' jobs of one token' AS detail
FROM job AS j
WHERE j.token IS NOT NULL
GROUP BY j.token
HAVING count(*) > 1
UNION ALL
SELECT a.job::text, 'shared the unique key ' || a.unique_key || ' with ' || b.job
FROM (
    SELECT i.job, i.unique_key, i.n AS n0,
        coalesce((
            SELECT min(u.n) FROM change AS u
            WHERE u.tbl = 'job' AND u.job = i.job AND u.status IN ('success', 'error', 'cancelled')
        ), 9e18) AS n1
    FROM change AS i
    WHERE i.tbl = 'job' AND i.op = 'I' AND i.unique_key IS NOT NULL
) AS a
JOIN change AS b ON b.tbl = 'job' AND b.op = 'I' AND b.unique_key = a.unique_key
    AND b.n > a.n0 AND b.n < a.n1
