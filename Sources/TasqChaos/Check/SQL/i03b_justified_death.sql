-- I3b: a worker is declared dead only if its process had ended, or had been silent for a lease. One
-- that nobody touched is never declared dead.
SELECT w.worker::text AS subject,
    CASE
        WHEN d.pid IS NULL THEN 'declared dead, though nothing was done to it'
        ELSE 'declared dead after a silence shorter than its lease'
    END AS detail
FROM worker AS w
LEFT JOIN disturbed AS d ON d.pid = w.pid AND d.t < w.t1
LEFT JOIN process_end AS x ON x.pid = w.pid
WHERE w.n1 IS NOT NULL
    AND NOT allowed('false_deaths')
    -- Its process ended, or is on its way out: then it took its row away itself.
    AND (x.t IS NULL OR x.t > w.t1 + 30000000000)
    AND NOT EXISTS (SELECT FROM event AS e WHERE e.pid = w.pid AND e.out = 'TERM' AND e.t < w.t1)
    AND (d.pid IS NULL
        OR allowed('clock_is_true')
            AND w.at1 - w.last_beat < w.lease_us * 0.9 * interval '1 microsecond')
