-- I6: no job is run more often than it has attempts, and the count falls only where a run is not
-- counted: handed back, or given back or put off before it began.
SELECT c.job::text AS subject, count(*) || ' runs of ' || min(j.max_attempts) AS detail
FROM claim AS c
JOIN job AS j ON j.job = c.job
WHERE c.ending NOT IN ('handed back', 'given back', 'put off') AND NOT allowed('retries')
GROUP BY c.job
HAVING count(*) > min(j.max_attempts)
UNION ALL
SELECT u.job::text, 'attempt went from ' || u.old_attempt || ' to ' || u.attempt
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'U'
    AND (u.attempt < u.old_attempt - 1
        OR u.attempt = u.old_attempt - 1 AND u.handbacks = u.old_handbacks
            AND NOT EXISTS (
                SELECT FROM claim AS c
                WHERE c.claim = u.last_claim AND c.xid1 = u.xid
                    AND c.ending IN ('given back', 'put off'))
        OR u.attempt > u.max_attempts)
UNION ALL
SELECT c.claim::text, c.ending || ' without an attempt, and a handler began'
FROM claim AS c
WHERE c.ending IN ('given back', 'put off')
    AND EXISTS (SELECT FROM run AS r WHERE r.claim = c.claim)
