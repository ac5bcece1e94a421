-- Stores webhook events and the jobs made of them, many in one statement and so in one commit.
--
--   $1 uuid[] event ids   $2 text[] source   $3 text[] the provider's event id, or null
--   $4 text[] content type   $5 bytea[] headers   $6 bytea[] body
--   $7 uuid[] job ids   $8 uuid[] the event each job belongs to   $9 text[] kind
--   $10 bigint[] microseconds of delay, or null
--   $11 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--   then the options, as in enqueue.sql
--
-- Of the sources, content types and kinds one alone counts for all, as of the options that every job
-- has; provider's ids, delays and the other options may be empty when there are none.
-- Returns the events that are stored now; one that does not come back is a duplicate, or was
-- stored by an earlier try: accepted_before.sql tells which. Jobs are made for stored events only,
-- so a provider's repetition runs nothing twice. Events go in by source and provider id, so two
-- batches with the same events cannot deadlock.
WITH stored AS (
    INSERT INTO tasq.payload AS p (id, source, event_id, content_type, headers, body)
    SELECT
        u.id, coalesce(u.source, ($2::text[])[1]), u.event_id,
        coalesce(u.content_type, ($4::text[])[1]), u.headers, u.body
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
        AS u (id, source, event_id, content_type, headers, body)
    WHERE (SELECT set_config('lock_timeout', $11::text, TRUE)) IS NOT NULL
    ORDER BY coalesce(u.source, ($2::text[])[1]) COLLATE "C", u.event_id COLLATE "C", u.id
    ON CONFLICT DO NOTHING
    RETURNING p.id
),
made AS (
    INSERT INTO tasq.job
        (id, payload_id, kind, status, run_at, @options)
    SELECT
        n.id, n.payload_id, coalesce(n.kind, ($9::text[])[1]),
        (CASE WHEN n.delay_us > 0 THEN 'scheduled' ELSE 'queued' END)::tasq.job_status,
        now() + coalesce(n.delay_us, 0) * interval '1 microsecond', @option_inputs(row: n)
    FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::bigint[], @option_arrays)
        AS n (id, payload_id, kind, delay_us, @options)
    JOIN stored AS s ON s.id = n.payload_id
)
SELECT s.id
FROM stored AS s
