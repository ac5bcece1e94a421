-- I9: no claim stands without a living worker for longer than it takes to notice, and none is made
-- under the id of a worker that has gone. At the end there is none at all.
SELECT l.claim::text AS subject, 'a claim was left' AS detail
FROM claim_left AS l
UNION ALL
SELECT s.t::text, 'claims without a living worker for ' || (s.t - s.since) / 1000000 || ' ms'
FROM (
    SELECT t, orphans, disturbed, min(t) OVER (PARTITION BY streak) AS since
    FROM (
        SELECT *, count(*) FILTER (WHERE orphans = 0) OVER (ORDER BY t) AS streak FROM sample
    ) AS numbered
    WHERE orphans > 0
) AS s
WHERE NOT (s.disturbed AND allowed('excuse_orphans')) AND s.t - s.since > cfg('orphan_ms') * 1000000
UNION ALL
SELECT c.claim::text, 'claimed for a worker that had gone'
FROM claim AS c
JOIN worker AS w ON w.worker = c.worker
WHERE allowed('clock_is_true') AND c.at0 > w.at1 + interval '1 second'
