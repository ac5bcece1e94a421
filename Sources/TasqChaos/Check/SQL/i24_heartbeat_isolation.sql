-- I24: however busy a worker is, it beats: of one that nobody touches, 99 of 100 beats come within
-- a third of the lease.
SELECT b.worker::text AS subject,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY b.gap_ms) || ' ms between beats' AS detail
FROM (
    SELECT c.worker, c.at, mono(c.at) AS t,
        extract(epoch FROM c.at - lag(c.at) OVER (PARTITION BY c.worker ORDER BY c.n)) * 1000
            AS gap_ms
    FROM change AS c
    WHERE c.tbl = 'worker' AND c.op IN ('I', 'U')
) AS b
JOIN worker AS w ON w.worker = b.worker
WHERE allowed('clock_is_true') AND b.gap_ms IS NOT NULL
    AND NOT EXISTS (SELECT FROM disturbed AS d WHERE d.pid = w.pid)
    AND NOT (
        allowed('excuse_beats')
        AND EXISTS (SELECT FROM disturbance AS d WHERE b.t BETWEEN d.t0 AND d.healed))
GROUP BY b.worker
HAVING percentile_cont(0.99) WITHIN GROUP (ORDER BY b.gap_ms) > cfg('lease_ms') / 3
