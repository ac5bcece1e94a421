-- I11: nothing is claimed before it is due, from a paused queue (a second after the pause at the
-- latest), or by a worker that does not serve its queue.
SELECT c.claim::text AS subject, 'claimed before it was due' AS detail
FROM claim AS c
JOIN change AS u ON u.tbl = 'job' AND u.op = 'U' AND u.job = c.job AND u.xid = c.xid0
WHERE u.run_at > u.at AND allowed('clock_is_true')
UNION ALL
SELECT c.claim::text, 'claimed from a paused queue'
FROM claim AS c
JOIN change AS u ON u.tbl = 'job' AND u.op = 'U' AND u.job = c.job AND u.xid = c.xid0
JOIN LATERAL (
    SELECT p.paused, p.at
    FROM change AS p
    WHERE p.tbl = 'queue' AND p.queue = u.queue AND p.n < c.n0
    ORDER BY p.n DESC
    LIMIT 1
) AS setting ON TRUE
WHERE setting.paused AND c.at0 > setting.at + interval '1 second'
UNION ALL
SELECT c.claim::text, 'claimed by a worker of other queues'
FROM claim AS c
JOIN change AS u ON u.tbl = 'job' AND u.op = 'U' AND u.job = c.job AND u.xid = c.xid0
JOIN worker AS w ON w.worker = c.worker
WHERE NOT u.queue = ANY (w.queues::text[])
