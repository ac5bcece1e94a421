-- What a server's settings, its connections and its statistics mean for a queue, in one row.
--
-- The clock is read by itself: now() is when the transaction began. Sessions of others show their
-- horizon only to members of pg_read_all_stats, so it is told whether this user is one. A heartbeat
-- that seems to come from the future is silent too: the clock went back since, and whoever lives has
-- beaten again. What a session would begin its transactions with had it said nothing is `reset_val`.
SELECT
    current_setting('server_version_num')::bigint AS version,
    pg_is_in_recovery() AS is_standby,
    clock_timestamp() AS clock,
    current_setting('max_connections')::bigint AS max_connections,
    current_setting('superuser_reserved_connections')::bigint AS reserved,
    (SELECT count(*) FROM pg_stat_activity AS a WHERE a.backend_type = 'client backend') AS used,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('autovacuum') AS autovacuum,
    pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER') AS sees_all,
    (SELECT count(*) FROM tasq.worker AS w) AS workers,
    (
        SELECT count(*)
        FROM tasq.worker AS w
        WHERE w.seen_at <= now() - w.lease_us * interval '1 microsecond'
            OR w.seen_at > now() + w.lease_us * interval '1 microsecond'
    ) AS silent,
    (
        SELECT extract(epoch FROM now() - greatest(t.last_analyze, t.last_autoanalyze))::bigint
        FROM pg_stat_all_tables AS t
        WHERE t.relid = 'tasq.job'::regclass
    ) AS analyzed_seconds_ago,
    (
        SELECT t.n_mod_since_analyze
        FROM pg_stat_all_tables AS t
        WHERE t.relid = 'tasq.job'::regclass
    ) AS changed_since,
    (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'default_transaction_isolation') AS isolation
