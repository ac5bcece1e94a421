-- I8: a job that kills its worker, or never returns until somebody does, runs three times at most and
-- ends in `error`; no other job ends so because of the company it was in. It may where three of its
-- workers were killed, stopped or cut off by whoever disturbs: they had it on board, and nobody can
-- tell.
SELECT j.job::text AS subject,
    count(r.claim) || ' runs of a job that kills, left ' || j.status AS detail
FROM job AS j
LEFT JOIN run AS r ON r.job = j.job
WHERE j.kind IN ('pill', 'leak', 'hang', 'spin')
GROUP BY j.job, j.status
HAVING count(r.claim) > cfg('max_crashes') OR j.status <> 'error'
UNION ALL
SELECT j.job::text, 'an innocent that was given up'
FROM job AS j
WHERE j.kind IN ('run', 'hostile') AND j.status = 'error'
    AND (
        SELECT count(*)
        FROM claim AS c
        JOIN worker AS w ON w.worker = c.worker
        JOIN disturbed AS d ON d.pid = w.pid AND d.t < mono(c.at1)
        WHERE c.job = j.job AND c.ending = 'reaped'
    ) < cfg('max_crashes')
