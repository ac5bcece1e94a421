-- How the jobs of stored events stand: of each event, how many are in which status.
--
--   $1 uuid[]  the events   $2 bigint  jobs of each that are looked at, at most
--
-- Without an order: asked for the newest ones, the planner may walk all jobs backwards until it has met
-- enough of them. `payload_id <> id` is what the index is on, as in event_jobs.sql.
SELECT e.id, s.status::text, count(*)::bigint
FROM unnest($1::uuid[]) AS e (id)
CROSS JOIN LATERAL (
    SELECT j.status
    FROM tasq.job AS j
    WHERE j.payload_id = e.id AND j.payload_id <> j.id
    LIMIT $2::bigint
) AS s
GROUP BY e.id, s.status
