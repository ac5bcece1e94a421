-- One look at the database, for the invariants that must hold all the time.
--
--   $1 bigint  microseconds after which a worker's silence is too long
--
-- The wait of a job that was claimed before counts from that claim, which is too long rather than
-- too short.
SELECT
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS began_us,
    (
        SELECT count(*)
        FROM tasq.executing_job AS e
        LEFT JOIN tasq.worker AS w ON w.id = e.worker_id
        WHERE w.id IS NULL OR w.seen_at < now() - $1::bigint * interval '1 microsecond'
    ) AS orphans,
    (SELECT count(*) FROM tasq.job AS j WHERE j.status = 'queued' AND j.run_at <= now()) AS due,
    (
        SELECT coalesce((extract(epoch FROM max(
            now() - greatest(j.run_at, j.enqueued_at, j.claimed_at))) * 1000)::bigint, 0)
        FROM tasq.job AS j
        WHERE j.status = 'queued' AND j.run_at <= now()
            AND j.queue NOT IN (SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused)
    ) AS oldest_ms,
    (
        SELECT coalesce(sum(w.concurrency), 0)
        FROM tasq.worker AS w
        WHERE w.seen_at > now() - 2 * w.heartbeat_us * interval '1 microsecond'
    ) - (SELECT count(*) FROM tasq.executing_job) AS free_slots,
    (SELECT count(*) FROM tasq.job AS j
        WHERE j.status IN ('scheduled', 'queued', 'executing')) AS open,
    (
        SELECT count(*)
        FROM pg_stat_activity AS a
        WHERE a.backend_type = 'client backend' AND a.application_name LIKE 'tasq%'
    ) AS connections,
    (SELECT d.deadlocks FROM pg_stat_database AS d
        WHERE d.datname = current_database()) AS deadlocks,
    (
        SELECT coalesce(sum(t.n_dead_tup), 0)::bigint
        FROM pg_stat_user_tables AS t
        WHERE t.schemaname = 'tasq' AND t.relname IN ('job', 'executing_job', 'worker', 'leader')
    ) AS dead_rows,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS ended_us
