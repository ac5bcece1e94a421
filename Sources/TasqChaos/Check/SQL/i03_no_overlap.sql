-- I3: two runs of one job overlap only when the first one's claim had been taken away before the
-- second was claimed, and then the first settles nothing. A claim is one row a job, so the second
-- was claimed after the first one's claim had gone; what counts is how it went. A handler behind
-- `http` goes on for a moment after its worker has handed the job back. Two primaries that both
-- live have a claim each, and neither knows of the other's.
SELECT a.claim::text AS subject,
    'overlaps with ' || b.claim || ', first ended: ' || c.ending AS detail
FROM run AS a
JOIN run AS b ON b.job = a.job AND b.claim <> a.claim AND b.t0 >= a.t0
    AND b.t0 < coalesce(a.t1, 9e18)
LEFT JOIN claim AS c ON c.claim = a.claim
WHERE (c.ending IS NULL AND NOT EXISTS (SELECT FROM astray AS s WHERE s.claim = a.claim))
    OR c.ending NOT IN ('reaped', 'taken', 'cancelled')
        AND NOT (c.ending = 'handed back' AND a.p = 'endpoint')
        AND NOT (allowed('asked_old')
            AND EXISTS (SELECT FROM astray AS s WHERE s.claim = b.claim))
