-- Like matching.sql, over the jobs in `error` alone: these have an index in the order of their ids,
-- so a retry of what failed does not walk the whole history.
--
--   $1 uuid         after this id, or null for the first page
--   $2 bigint       jobs to look at, at most
--   $3 text[]       statuses; only `error` can match
--   $4 text queue   $5 text kind   $6 text key, each null for any
--   $7 timestamptz  enqueued from then on, or null   $8 timestamptz  before, or null for now
--   $9 boolean  only those that wait for another attempt, of which none is in `error`
--   $10 text  only those whose latest recorded reason has this in it, in capitals or not, or null
--
WITH page AS MATERIALIZED (
    SELECT j.id, j.status, j.queue, j.kind, j.key, j.enqueued_at
    FROM tasq.job AS j
    WHERE j.status = 'error' AND j.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY j.id
    LIMIT $2::bigint
)
SELECT
    p.id, NULL::uuid AS last, NULL::bigint AS examined, NULL::timestamptz AS until,
    NULL::bigint AS estimate
FROM page AS p
WHERE p.status::text = ANY ($3::text[])
    AND ($4::text IS NULL OR p.queue = $4::text)
    AND ($5::text IS NULL OR p.kind = $5::text)
    AND ($6::text IS NULL OR p.key = $6::text)
    AND ($7::timestamptz IS NULL OR p.enqueued_at >= $7::timestamptz)
    AND p.enqueued_at < coalesce($8::timestamptz, now())
    AND $9::boolean IS NOT TRUE
    AND (
        $10::text IS NULL
        OR position(lower($10::text) IN lower(@latest_reason(job: p))) > 0
    )
UNION ALL
SELECT
    NULL, (SELECT p.id FROM page AS p ORDER BY p.id DESC LIMIT 1), (SELECT count(*) FROM page AS p),
    coalesce($8::timestamptz, now()),
    (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c WHERE c.oid = 'tasq.job_error'::regclass)
