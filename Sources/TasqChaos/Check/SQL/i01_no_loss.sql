-- I1: every job that was acknowledged stands in the table and has come to its end, and that end was
-- earned: a handler ran and said so. A job asked for under a unique key may have been answered with
-- the one that held the key; one that was given up after so many crashes may never have got as far
-- as a handler.
SELECT q.token AS subject, coalesce('left ' || coalesce(j.status, h.status), 'not in the table') AS detail
FROM enq AS q
LEFT JOIN job AS j ON j.token = q.token
LEFT JOIN job AS h ON j.job IS NULL AND h.job = q.job AND h.unique_key = q.unique_key
WHERE q.acknowledged IS NOT NULL
    AND (coalesce(j.job, h.job) IS NULL AND NOT may_be_lost(q.job, q.acknowledged)
        OR coalesce(j.status, h.status) NOT IN ('success', 'error', 'cancelled'))
UNION ALL
SELECT j.token, 'a success, and no handler of its last claim succeeded'
FROM job AS j
WHERE j.status = 'success'
    AND NOT EXISTS (
        SELECT FROM run AS r WHERE r.claim = j.last_claim AND r.job = j.job AND r.out = 'ok')
UNION ALL
SELECT j.token, 'an error, and no handler ever began'
FROM job AS j
WHERE j.status = 'error' AND j.kind IN ('run', 'fail', 'hostile')
    AND j.crashes < cfg('max_crashes')
    AND NOT EXISTS (SELECT FROM run AS r WHERE r.job = j.job)
