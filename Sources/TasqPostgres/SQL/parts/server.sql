-- Which start of which server this session belongs to: with it all session locks fall.
--
-- The server's start is another one after a restart, and after a failover also on a standby that has
-- run for long. After a crash of one of its processes the server begins anew without a new start, but
-- with new statistics, and says since when they run. Everybody may read both, behind a pooler too.
-- Whoever resets those statistics makes it look like another server, until the next heartbeats.
--
-- Before PostgreSQL 15 statistics come from a process of their own, for which a heartbeat would have to
-- wait; such a crash does not show there.
concat_ws(
    '/', extract(epoch FROM pg_postmaster_start_time()),
    CASE WHEN current_setting('server_version_num')::integer >= 150000
        THEN extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time())
    END)
