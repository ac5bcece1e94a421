-- When the oldest queued job of a queue became due: the first entry of the index for each priority, asked for
-- from there on and looked at afterwards (queues.sql says why). One that somebody queued by hand for
-- `infinity` has no wait.
--
--   @queue  its name
SELECT min(o.run_at)
FROM generate_series(0, 3) AS level,
    LATERAL (
        SELECT j.queue, j.priority, j.run_at
        FROM tasq.job AS j
        WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND (j.queue, j.priority) >= (@queue, level)
        ORDER BY j.queue, j.priority, j.run_at, j.id
        LIMIT 1
    ) AS o
WHERE o.queue = @queue AND o.priority = level AND isfinite(o.run_at)
