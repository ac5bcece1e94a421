-- I1: every job that was acknowledged stands in the table and has come to its end. A job asked for
-- under a unique key may have been answered with the one that held the key.
SELECT q.token AS subject, coalesce('left ' || coalesce(j.status, h.status), 'not in the table') AS detail
FROM enq AS q
LEFT JOIN job AS j ON j.token = q.token
LEFT JOIN job AS h ON j.job IS NULL AND h.job = q.job AND h.unique_key = q.unique_key
WHERE q.acknowledged IS NOT NULL
    AND (coalesce(j.job, h.job) IS NULL AND NOT allowed('lost_commits')
        OR coalesce(j.status, h.status) NOT IN ('success', 'error', 'cancelled'))
