-- I5: a job that has come to its end is never claimed again, unless somebody retries it.
SELECT u.job::text AS subject, 'claimed after it was ' || u.old_status AS detail
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'U' AND u.status = 'executing'
    AND u.old_status IN ('success', 'error', 'cancelled')
UNION ALL
SELECT c.job::text, 'claimed after it had come to its end'
FROM claim AS c
JOIN LATERAL (
    SELECT u.status
    FROM change AS u
    WHERE u.tbl = 'job' AND u.job = c.job AND u.n < c.n0 AND u.xid <> c.xid0
    ORDER BY u.n DESC
    LIMIT 1
) AS before ON TRUE
WHERE before.status IN ('success', 'error', 'cancelled')
