-- I4: one final result for each job, written by the claim that stands in `last_claim`, and not
-- before the run that it belongs to has ended.
SELECT u.job::text AS subject, 'settled twice' AS detail
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'U' AND u.status IN ('success', 'error')
    AND u.old_status <> u.status
GROUP BY u.job
HAVING count(*) > 1 AND NOT allowed('retries')
UNION ALL
SELECT u.job::text, 'settled by a claim that did not end with it'
FROM change AS u
LEFT JOIN change AS d ON d.tbl = 'claim' AND d.op = 'D' AND d.xid = u.xid AND d.job = u.job
WHERE u.tbl = 'job' AND u.op = 'U' AND u.status = 'success' AND u.old_status <> 'success'
    AND d.claim IS DISTINCT FROM u.last_claim
UNION ALL
SELECT r.claim::text, 'settled before its run had ended'
FROM claim AS c
JOIN run AS r ON r.claim = c.claim
WHERE c.ending = 'settled' AND r.p <> 'endpoint' AND allowed('clock_is_true')
    AND coalesce(r.t1, 9e18) > mono(c.at1) + 2000000
