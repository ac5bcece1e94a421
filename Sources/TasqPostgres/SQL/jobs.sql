-- A page of jobs, newest first by the time they were enqueued.
--
--   $1 uuid  below this id   $2 bigint  rows at most
--   $3 text status   $4 text queue   $5 text kind   $6 text key, each null for any
--   $7 uuid  from this id on   $8 timestamptz  enqueued from then on, or null
--   $9 timestamptz  enqueued before, or null
--   $10 timestamptz, $11 uuid  jobs whose ids do not grow with time: before this place, or null
--   $12 bigint  jobs that each walk looks at, at most
--   $13 boolean  only those that have failed before; asked with $3 `scheduled`
--   $14 text  only those whose latest recorded reason has this in it, in capitals or not, and that did
--             not succeed since, or null   $15 bigint  only those claimed so many microseconds ago or
--             longer, or null; asked with $3 `executing`
--
-- Two walks, each in an index's order: ids of the years 2020 to 2100, which grow with time, and
-- job_unordered (see migration 0008) for all others. Each gives up to a page, and the caller merges
-- them. $1 and $7 bound the first walk with some slack, for clocks differ; $8 and $9 decide.
--
-- A walk ends after $12 jobs, however few of them match: the job it ended at comes as a row of its own,
-- with `is_stop`, and the next page goes on from there. A walk that found its page stops by itself
-- before that, as the limit outside pulls rows one by one. Of the jobs in `error` or `cancelled` the
-- first walk has an index to themselves (see migration 0010). A reason is looked up job by job, in the index
-- of the attempts, and last of all conditions.
WITH grown AS MATERIALIZED (
    SELECT w.id
    FROM (
        (
            SELECT
                j.id, j.status, j.queue, j.kind, j.key, j.enqueued_at, j.attempt, j.claimed_at
            FROM tasq.job AS j
            WHERE ($3::text IN ('error', 'cancelled')) IS NOT TRUE
                AND j.id >= $7::uuid AND j.id < $1::uuid
            ORDER BY j.id DESC
            LIMIT $12::bigint
        )
        UNION ALL
        (
            SELECT
                j.id, j.status, j.queue, j.kind, j.key, j.enqueued_at, j.attempt, j.claimed_at
            FROM tasq.job AS j
            WHERE $3::text IN ('error', 'cancelled') AND j.status IN ('error', 'cancelled')
                AND j.status = $3::text::tasq.job_status
                AND j.id >= $7::uuid AND j.id < $1::uuid
            ORDER BY j.id DESC
            LIMIT $12::bigint
        )
    ) AS w
    WHERE ($3::text IS NULL OR w.status = $3::text::tasq.job_status)
        AND ($13::boolean IS NOT TRUE OR w.attempt > 0)
        AND ($4::text IS NULL OR w.queue = $4::text)
        AND ($5::text IS NULL OR w.kind = $5::text)
        AND ($6::text IS NULL OR w.key = $6::text)
        AND ($8::timestamptz IS NULL OR w.enqueued_at >= $8::timestamptz)
        AND ($9::timestamptz IS NULL OR w.enqueued_at < $9::timestamptz)
        AND ($15::bigint IS NULL OR w.claimed_at <= now() - $15::bigint * interval '1 microsecond')
        AND (
            $14::text IS NULL
            OR w.status <> 'success'
                AND position(lower($14::text) IN lower(@latest_reason(job: w))) > 0
        )
    ORDER BY w.id DESC
    LIMIT $2::bigint
),
others AS MATERIALIZED (
    SELECT w.id
    FROM (
        SELECT j.id, j.status, j.queue, j.kind, j.key, j.enqueued_at, j.attempt, j.claimed_at
        FROM tasq.job AS j
        WHERE (
                j.id < '016f5e66-e800-0000-0000-000000000000'
                OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
            )
            AND ($10::timestamptz IS NULL OR (j.enqueued_at, j.id) < ($10::timestamptz, $11::uuid))
            AND ($8::timestamptz IS NULL OR j.enqueued_at >= $8::timestamptz)
            AND ($9::timestamptz IS NULL OR j.enqueued_at < $9::timestamptz)
        ORDER BY j.enqueued_at DESC, j.id DESC
        LIMIT $12::bigint
    ) AS w
    WHERE ($3::text IS NULL OR w.status = $3::text::tasq.job_status)
        AND ($13::boolean IS NOT TRUE OR w.attempt > 0)
        AND ($4::text IS NULL OR w.queue = $4::text)
        AND ($5::text IS NULL OR w.kind = $5::text)
        AND ($6::text IS NULL OR w.key = $6::text)
        AND ($15::bigint IS NULL OR w.claimed_at <= now() - $15::bigint * interval '1 microsecond')
        AND (
            $14::text IS NULL
            OR w.status <> 'success'
                AND position(lower($14::text) IN lower(@latest_reason(job: w))) > 0
        )
    ORDER BY w.enqueued_at DESC, w.id DESC
    LIMIT $2::bigint
),
page AS MATERIALIZED (
    SELECT g.id, FALSE AS is_stop
    FROM grown AS g
    UNION ALL
    SELECT o.id, FALSE
    FROM others AS o
    UNION ALL
    (
        SELECT j.id, TRUE
        FROM tasq.job AS j
        WHERE ($3::text IN ('error', 'cancelled')) IS NOT TRUE
            AND (SELECT count(*) FROM grown AS g) < $2::bigint
            AND j.id >= $7::uuid AND j.id < $1::uuid
        ORDER BY j.id DESC
        OFFSET $12::bigint - 1
        LIMIT 1
    )
    UNION ALL
    (
        SELECT j.id, TRUE
        FROM tasq.job AS j
        WHERE $3::text IN ('error', 'cancelled') AND j.status IN ('error', 'cancelled')
            AND j.status = $3::text::tasq.job_status
            AND (SELECT count(*) FROM grown AS g) < $2::bigint
            AND j.id >= $7::uuid AND j.id < $1::uuid
        ORDER BY j.id DESC
        OFFSET $12::bigint - 1
        LIMIT 1
    )
    UNION ALL
    (
        SELECT j.id, TRUE
        FROM tasq.job AS j
        WHERE (
                j.id < '016f5e66-e800-0000-0000-000000000000'
                OR j.id >= '03bb2cc3-d800-0000-0000-000000000000'
            )
            AND (SELECT count(*) FROM others AS o) < $2::bigint
            AND ($10::timestamptz IS NULL OR (j.enqueued_at, j.id) < ($10::timestamptz, $11::uuid))
            AND ($8::timestamptz IS NULL OR j.enqueued_at >= $8::timestamptz)
            AND ($9::timestamptz IS NULL OR j.enqueued_at < $9::timestamptz)
        ORDER BY j.enqueued_at DESC, j.id DESC
        OFFSET $12::bigint - 1
        LIMIT 1
    )
)
SELECT
    @job_columns, @latest_reason(job: j) AS reason, p.is_stop
FROM page AS p
JOIN tasq.job AS j ON j.id = ANY (ARRAY[p.id])
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
