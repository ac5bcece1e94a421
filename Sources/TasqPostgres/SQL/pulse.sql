-- What the whole deployment has done so far, and how long jobs claimed lately had been due.
--
--   $1 uuid  jobs below this id: those whose id a client's Idempotency-Key made do not grow with time
--   $2 bigint  claims and newest jobs looked at, at most   $3 bigint  microseconds that are lately
--
-- The sums are PostgreSQL's own count of rows written to each table, so that nobody has to keep
-- one: every enqueue inserts a job, every start inserts a claim, every end deletes one, and what is
-- neither success nor snooze leaves an attempt. They are of use for differences only: they begin
-- anew when statistics are reset, and lag by a second or, after a lone transaction, by ten. The
-- waits are those of the claims that stand and of the newest jobs, in that order of number. Claims
-- find their jobs by id, as in queues.sql.
WITH lately AS MATERIALIZED (
    (
        SELECT e.claimed_at, j.run_at
        FROM (
            SELECT x.job_id, x.claimed_at
            FROM tasq.executing_job AS x
            ORDER BY x.claimed_at DESC
            LIMIT $2::bigint
        ) AS e
        CROSS JOIN LATERAL (
            SELECT q.run_at FROM tasq.job AS q WHERE q.id = e.job_id OFFSET 0
        ) AS j
    )
    UNION ALL
    SELECT n.claimed_at, n.run_at
    FROM (
        SELECT j.claimed_at, j.run_at, j.status
        FROM tasq.job AS j
        WHERE j.id < $1::uuid
        ORDER BY j.id DESC
        LIMIT $2::bigint
    ) AS n
    WHERE n.status IN ('success', 'error', 'cancelled')
),
waits AS (
    SELECT
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
            ORDER BY extract(epoch FROM l.claimed_at - l.run_at) * 1000000) AS us
    FROM lately AS l
    WHERE l.claimed_at >= l.run_at
        AND l.claimed_at > now() - $3::bigint * interval '1 microsecond'
)
SELECT
    clock_timestamp() AS as_of,
    pg_stat_get_tuples_inserted('tasq.job'::regclass) AS enqueued,
    pg_stat_get_tuples_inserted('tasq.executing_job'::regclass) AS started,
    pg_stat_get_tuples_deleted('tasq.executing_job'::regclass) AS ended,
    pg_stat_get_tuples_inserted('tasq.attempt'::regclass) AS failed,
    w.us[1]::bigint AS p50_us, w.us[2]::bigint AS p99_us
FROM waits AS w
