-- A page of jobs as jobs.sql gives it, of a status in which there are few: all of them are looked at.
--
--   $1 … $11  as in jobs.sql; $3 is any status but `success`
--   $12 bigint  jobs of that status at most
--   $13 boolean  only those of them that are tried again, with $3 `scheduled` alone
--   $14, $15  as in jobs.sql; with $15 no other jobs than those count for $12
--
-- With more of them than $12 the answer is one row with `is_stop`, and jobs.sql has to walk. Each
-- status but `success` has an index of its own, not in the order of the list, so these are sorted. Those
-- in `error` and `cancelled` share one, which is walked from there on, as in queues.sql; sweep.sql says why
-- `status` is asked for twice, and migration 0012 why sometimes from both sides.
WITH few AS MATERIALIZED (
    (
        SELECT j.id
        FROM tasq.job AS j
        WHERE $3::text = 'queued' AND (j.status = 'queued' OR j.status = ANY ('{queued}'))
            AND ($4::text IS NULL OR j.queue = $4::text)
        ORDER BY j.queue, j.priority, j.run_at, j.id
        LIMIT $12::bigint + 1
    )
    UNION ALL
    (
        SELECT j.id
        FROM tasq.job AS j
        WHERE $3::text = 'scheduled' AND $13::boolean IS NOT TRUE AND j.status = 'scheduled'
        ORDER BY j.run_at
        LIMIT $12::bigint + 1
    )
    UNION ALL
    (
        SELECT j.id
        FROM tasq.job AS j
        WHERE $3::text = 'scheduled' AND $13::boolean
            AND ((j.status >= 'scheduled' AND j.status <= 'scheduled') OR j.status = ANY ('{scheduled}'))
            AND j.attempt > 0
        ORDER BY j.queue, j.kind, j.run_at
        LIMIT $12::bigint + 1
    )
    UNION ALL
    (
        SELECT e.job_id
        FROM tasq.executing_job AS e
        WHERE $3::text = 'executing'
            AND (
                $15::bigint IS NULL
                OR e.claimed_at <= now() - $15::bigint * interval '1 microsecond'
            )
        LIMIT $12::bigint + 1
    )
    UNION ALL
    (
        SELECT w.id
        FROM (
            SELECT j.id, j.status
            FROM tasq.job AS j
            WHERE $3::text IN ('error', 'cancelled') AND j.status IN ('error', 'cancelled')
                AND (j.status, j.id)
                    >= ($3::text::tasq.job_status, '00000000-0000-0000-0000-000000000000')
            ORDER BY j.status, j.id
            LIMIT $12::bigint + 1
        ) AS w
        WHERE w.status = $3::text::tasq.job_status
    )
),
matching AS MATERIALIZED (
    SELECT
        j.id, j.enqueued_at,
        j.id >= '016f5e66-e800-0000-0000-000000000000'
            AND j.id < '03bb2cc3-d800-0000-0000-000000000000' AS has_grown
    FROM few AS f
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[f.id])
    WHERE (SELECT count(*) FROM few AS c) <= $12::bigint
        AND j.status = $3::text::tasq.job_status
        AND ($13::boolean IS NOT TRUE OR j.attempt > 0)
        AND ($4::text IS NULL OR j.queue = $4::text)
        AND ($5::text IS NULL OR j.kind = $5::text)
        AND ($6::text IS NULL OR j.key = $6::text)
        AND ($8::timestamptz IS NULL OR j.enqueued_at >= $8::timestamptz)
        AND ($9::timestamptz IS NULL OR j.enqueued_at < $9::timestamptz)
        AND (
            $14::text IS NULL
            OR j.status <> 'success'
                AND position(lower($14::text) IN lower(@latest_reason(job: j))) > 0
        )
),
page AS MATERIALIZED (
    (
        SELECT m.id, FALSE AS is_stop
        FROM matching AS m
        WHERE m.has_grown AND m.id >= $7::uuid AND m.id < $1::uuid
        ORDER BY m.id DESC
        LIMIT $2::bigint
    )
    UNION ALL
    (
        SELECT m.id, FALSE
        FROM matching AS m
        WHERE NOT m.has_grown
            AND ($10::timestamptz IS NULL OR (m.enqueued_at, m.id) < ($10::timestamptz, $11::uuid))
        ORDER BY m.enqueued_at DESC, m.id DESC
        LIMIT $2::bigint
    )
    UNION ALL
    (
        SELECT f.id, TRUE
        FROM few AS f
        WHERE (SELECT count(*) FROM few AS c) > $12::bigint
        LIMIT 1
    )
)
SELECT
    @job_columns, @latest_reason(job: j) AS reason, p.is_stop
FROM page AS p
JOIN tasq.job AS j ON j.id = ANY (ARRAY[p.id])
LEFT JOIN tasq.executing_job AS e ON e.job_id = j.id
