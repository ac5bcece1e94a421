-- Enters a bulk action; a server takes it up.
--
--   $1 uuid id   $2 text action   $3 text status   $4 text queue   $5 text kind   $6 text key
--   $7 timestamptz since   $8 timestamptz until, each of $3 to $8 null for any
--   $9 boolean  whether it only counts   $10 boolean  only jobs that are tried again
--   $11 text  only jobs whose latest reason has this in it, or null
--   $12 text  the source of events, or null for any   $13 bigint  events a second; of a replay alone
--
-- With $10 or $11, and for a replay, it is `going`, so that no program takes it up that would read it
-- otherwise (migration 0016).
-- No row: too many are running, or this one stands already. Those that ended a week ago go.
WITH pruned AS (
    DELETE FROM tasq.bulk AS b
    WHERE b.finished_at < now() - interval '7 days'
)
INSERT INTO tasq.bulk AS b (
    id, action, status, queue, kind, key, since, until, dry_run, retrying, with_reason, source, rate,
    state)
SELECT
    $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::timestamptz, $8::timestamptz,
    $9::boolean, $10::boolean, $11::text, $12::text, $13::bigint,
    CASE
        WHEN $10::boolean OR $11::text IS NOT NULL OR $2::text = 'replay' THEN 'going'
        ELSE 'running'
    END
WHERE (SELECT count(*) FROM tasq.bulk AS r WHERE r.state IN ('running', 'going')) < 100
ON CONFLICT (id) DO NOTHING
RETURNING b.id
