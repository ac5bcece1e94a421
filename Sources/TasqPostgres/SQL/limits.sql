-- The limits of queues by queue, and how far the queues are from them.
--
--   $1 text    the queue of the last row of the page before, or null
--   $2 bigint  rows at most
--   $3 text[]  the queues whose levels are looked at
--   $4 boolean whether those of all are
--   $5 text    the one queue that is wanted, or null
--
-- Returns the queue, the jobs that may wait and how long the oldest of them may have waited, in
-- microseconds; whether the limit is of a configuration; when and by which role it was set; how many
-- jobs wait, counted as far as the limit; and how long the oldest has waited. Both are null where they
-- are not looked at, or do not matter.
--
-- No backlog makes it longer: the jobs of a queue are a walk of the index that ends where the limit does,
-- and the oldest is that of its four priorities, each the first entry of its stretch. queues.sql says why
-- both go on behind the queue and are looked at afterwards, and sweep.sql why `status` is asked for twice.
SELECT
    f.queue, f.max_depth, f.max_age_us, f.configured, f.updated_at, f.updated_by,
    CASE WHEN f.is_asked AND f.max_depth IS NOT NULL THEN (
        SELECT count(*)
        FROM (
            SELECT j.queue
            FROM tasq.job AS j
            WHERE (j.status = 'queued' OR j.status = ANY ('{queued}')) AND j.queue >= f.queue
            ORDER BY j.queue, j.priority, j.run_at, j.id
            LIMIT (SELECT coalesce(f.max_depth, 0))
        ) AS d
        WHERE d.queue = f.queue
    ) END AS level,
    CASE WHEN f.is_asked AND f.max_age_us IS NOT NULL THEN (
        extract(epoch FROM now() - (
            @oldest_due(queue: f.queue)
        )) * 1000000
    )::bigint END AS oldest_us
FROM (
    SELECT
        l.queue, l.max_depth, l.max_age_us, l.configured, l.updated_at, l.updated_by,
        $4::boolean OR l.queue = ANY ($3::text[]) AS is_asked
    FROM tasq.flow_limit AS l
    WHERE ($1::text IS NULL OR l.queue > $1::text) AND ($5::text IS NULL OR l.queue = $5::text)
    ORDER BY l.queue
    LIMIT (SELECT $2::bigint)
) AS f
ORDER BY f.queue
