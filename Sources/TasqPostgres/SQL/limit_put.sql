-- Sets limits of queues, or others in their place; with $4 takes configured ones that are not named away.
--
--   $1 text[]    queues
--   $2 bigint[]  jobs that may wait, or null
--   $3 bigint[]  how long the oldest of them may have waited, in microseconds, or null
--   $4 boolean   whether they are all of a configuration
--
-- One that stands as it is to stand is left alone, as at each start of a process. Rows are locked, and
-- those that came since this began are left, as in schedule_put.sql and for its reasons.
WITH input AS MATERIALIZED (
    SELECT u.queue, u.max_depth, u.max_age_us
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS u (queue, max_depth, max_age_us)
),
held AS MATERIALIZED (
    SELECT f.queue
    FROM tasq.flow_limit AS f
    WHERE f.queue = ANY ($1::text[]) OR ($4::boolean AND f.configured)
    ORDER BY f.queue
    FOR UPDATE OF f
),
gone AS (
    DELETE FROM tasq.flow_limit AS f
    USING held AS h
    WHERE f.queue = h.queue AND $4::boolean AND f.configured AND NOT f.queue = ANY ($1::text[])
),
changed AS (
    UPDATE tasq.flow_limit AS f
    SET max_depth = i.max_depth, max_age_us = i.max_age_us, configured = $4::boolean,
        updated_at = now(), updated_by = current_user
    FROM input AS i
    JOIN held AS h ON h.queue = i.queue
    WHERE f.queue = i.queue
        AND (f.max_depth, f.max_age_us, f.configured)
            IS DISTINCT FROM (i.max_depth, i.max_age_us, $4::boolean)
)
INSERT INTO tasq.flow_limit AS f (queue, max_depth, max_age_us, configured)
SELECT i.queue, i.max_depth, i.max_age_us, $4::boolean
FROM input AS i
CROSS JOIN (SELECT count(*) FROM held) AS h
ORDER BY i.queue
ON CONFLICT (queue) DO NOTHING
