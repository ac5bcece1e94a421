-- Stores webhook events and the jobs made of them, many in one statement and so in one commit.
--
--   $1 uuid[] event ids   $2 text[] source   $3 text[] the provider's event id, or null
--   $4 text[] content type   $5 bytea[] headers   $6 bytea[] body
--   $7 uuid[] job ids   $8 uuid[] the event each job belongs to   $9 text[] queue   $10 text[] kind
--   $11 bigint[] priority   $12 bigint[] max_attempts   $13 text[] key, or null
--   $14 bigint[] microseconds of delay, or null
--   $15 text  how long a lock is waited for, in milliseconds; see enqueue_unique.sql
--
-- Of the sources, content types, queues, kinds, priorities and attempts one alone counts for all;
-- provider's ids, keys and delays may be empty when there are none.
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
    WHERE (SELECT set_config('lock_timeout', $15::text, TRUE)) IS NOT NULL
    ORDER BY coalesce(u.source, ($2::text[])[1]) COLLATE "C", u.event_id COLLATE "C", u.id
    ON CONFLICT DO NOTHING
    RETURNING p.id
),
made AS (
    INSERT INTO tasq.job
        (id, payload_id, queue, kind, status, priority, max_attempts, key, run_at)
    SELECT
        n.id, n.payload_id, coalesce(n.queue, ($9::text[])[1]),
        coalesce(n.kind, ($10::text[])[1]),
        (CASE WHEN n.delay_us > 0 THEN 'scheduled' ELSE 'queued' END)::tasq.job_status,
        coalesce(n.priority, ($11::bigint[])[1]),
        coalesce(n.max_attempts, ($12::bigint[])[1]), n.key,
        now() + coalesce(n.delay_us, 0) * interval '1 microsecond'
    FROM unnest(
        $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[],
        $14::bigint[])
        AS n (id, payload_id, queue, kind, priority, max_attempts, key, delay_us)
    JOIN stored AS s ON s.id = n.payload_id
)
SELECT s.id
FROM stored AS s
