-- A page of jobs, newest first by the time they were enqueued.
--
--   $1 uuid  below this id   $2 bigint  rows at most
--   $3 text status   $4 text queue   $5 text kind   $6 text key, each null for any
--   $7 uuid  from this id on   $8 timestamptz  enqueued from then on, or null
--   $9 timestamptz  enqueued before, or null
--   $10 timestamptz, $11 uuid  jobs whose ids do not grow with time: before this place, or null
--
-- Two walks, each in an index's order: ids of the years 2020 to 2100, which grow with time, and
-- job_unordered (see migration 0008) for all others. Each gives up to a page, and the caller merges
-- them. $1 and $7 bound the first walk with some slack, for clocks differ; $8 and $9 decide.
WITH page AS MATERIALIZED (
    (
        SELECT j.id
        FROM tasq.job AS j
        WHERE j.id >= $7::uuid AND j.id < $1::uuid
            AND ($3::text IS NULL OR j.status = $3::text::tasq.job_status)
            AND ($4::text IS NULL OR j.queue = $4::text)
            AND ($5::text IS NULL OR j.kind = $5::text)
            AND ($6::text IS NULL OR j.key = $6::text)
            AND ($8::timestamptz IS NULL OR j.enqueued_at >= $8::timestamptz)
            AND ($9::timestamptz IS NULL OR j.enqueued_at < $9::timestamptz)
        ORDER BY j.id DESC
        LIMIT $2::bigint
    )
    UNION ALL
    (
        SELECT j.id
        FROM tasq.job AS j
        WHERE (
                j.id < '016f5e66-e800-0000-0000-000000000000'
                OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
            )
            AND ($10::timestamptz IS NULL OR (j.enqueued_at, j.id) < ($10::timestamptz, $11::uuid))
            AND ($3::text IS NULL OR j.status = $3::text::tasq.job_status)
            AND ($4::text IS NULL OR j.queue = $4::text)
            AND ($5::text IS NULL OR j.kind = $5::text)
            AND ($6::text IS NULL OR j.key = $6::text)
            AND ($8::timestamptz IS NULL OR j.enqueued_at >= $8::timestamptz)
            AND ($9::timestamptz IS NULL OR j.enqueued_at < $9::timestamptz)
        ORDER BY j.enqueued_at DESC, j.id DESC
        LIMIT $2::bigint
    )
)
SELECT
    j.id, j.kind, j.queue, j.status::text, j.priority, j.attempt, j.max_attempts, j.crashes, j.key,
    j.unique_key, j.payload_id, j.enqueued_at, j.run_at, j.claimed_at, j.finished_at, e.worker_id,
    (SELECT a.reason FROM tasq.attempt AS a WHERE a.job_id = j.id ORDER BY a.ended_at DESC LIMIT 1) AS reason,
    j.max_attempts - coalesce(j.budget, j.max_attempts) AS before
FROM page AS p
JOIN tasq.job AS j ON j.id = ANY (ARRAY[p.id])
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
