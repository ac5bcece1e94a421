/// A history told by hand, as SQL on the checkers' tables.
enum Story {
    /// Words to tell it with: times are milliseconds, ids are small numbers.
    static let words = """
        CREATE SEQUENCE n;
        CREATE FUNCTION u(number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
            $$ SELECT ('00000000-0000-0000-0000-' || lpad(number::text, 12, '0'))::uuid $$;
        CREATE FUNCTION at(ms float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
            $$ SELECT timestamptz '2026-01-01 00:00:00Z' + ms * interval '1 millisecond' $$;

        CREATE FUNCTION asked(id integer, ms float8, batch text DEFAULT NULL, key text DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO event (t, p, pid, e, token, name, out, batch)
            VALUES (ms * 1e6, 'chaos', 1, 'asked', 'tok' || id, 'run', key, coalesce(batch, 'tok' || id)) $$;
        CREATE FUNCTION told(id integer, ms float8, job integer, key text DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO event (t, p, pid, e, token, job, out, batch)
            SELECT told.ms * 1e6, 'chaos', 1, 'acknowledged', 'tok' || id, u(told.job), key, a.batch
            FROM event AS a WHERE a.e = 'asked' AND a.token = 'tok' || id $$;

        CREATE FUNCTION entered(id integer, ms float8, kind text DEFAULT 'run', key text DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO change (n, xid, at, committed, tbl, op, job, token, kind, queue, status,
                attempt, max_attempts, crashes, handbacks, run_at, unique_key)
            VALUES (nextval('n'), nextval('n'), at(ms), at(ms), 'job', 'I', u(id), 'tok' || id, kind,
                'default', 'queued', 0, 20, 0, 0, at(ms), key);
            INSERT INTO job (job, token, kind, queue, status, attempt, max_attempts, crashes,
                unique_key, finished)
            VALUES (u(id), 'tok' || id, kind, 'default', 'queued', 0, 20, 0, key, FALSE) $$;

        CREATE FUNCTION moved(
            id integer, ms float8, to_status text, xid bigint, attempts integer DEFAULT 0,
            crashed integer DEFAULT 0, handed integer DEFAULT 0, by integer DEFAULT NULL,
            due float8 DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO change (n, xid, at, committed, tbl, op, job, token, kind, queue, old_status,
                status, old_attempt, attempt, max_attempts, old_crashes, crashes, old_handbacks,
                handbacks, last_claim, run_at, unique_key)
            SELECT nextval('n'), moved.xid, at(ms), at(ms), 'job', 'U', l.job, l.token, l.kind, l.queue,
                l.status, to_status, l.attempt, l.attempt + attempts, l.max_attempts, l.crashes,
                l.crashes + crashed, l.handbacks, l.handbacks + handed, coalesce(u(by), l.last_claim),
                coalesce(at(due), l.run_at), l.unique_key
            FROM change AS l WHERE l.tbl = 'job' AND l.job = u(id) ORDER BY l.n DESC LIMIT 1;
            UPDATE job SET status = to_status, attempt = attempt + attempts, crashes = crashes + crashed,
                last_claim = coalesce(u(by), last_claim),
                finished = to_status IN ('success', 'error', 'cancelled')
            WHERE job = u(id) $$;

        CREATE FUNCTION claimed(id integer, claim integer, worker integer, ms float8)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE x bigint := nextval('n');
        BEGIN
            PERFORM moved(id, ms, 'executing', x, attempts => 1);
            INSERT INTO change (n, xid, at, committed, tbl, op, job, claim, worker, attempt)
            SELECT nextval('n'), x, at(ms), at(ms), 'claim', 'I', u(id), u(claimed.claim),
                u(claimed.worker), l.attempt
            FROM change AS l WHERE l.xid = x AND l.tbl = 'job';
        END $$;

        CREATE FUNCTION let_go(
            id integer, claim integer, ms float8, to_status text, attempts integer DEFAULT 0,
            crashed integer DEFAULT 0, handed integer DEFAULT 0, by integer DEFAULT NULL,
            due float8 DEFAULT NULL)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE x bigint := nextval('n');
        BEGIN
            INSERT INTO change (n, xid, at, committed, tbl, op, job, claim, worker, attempt)
            SELECT nextval('n'), x, at(ms), at(ms), 'claim', 'D', i.job, i.claim, i.worker, i.attempt
            FROM change AS i WHERE i.tbl = 'claim' AND i.op = 'I' AND i.claim = u(let_go.claim);
            PERFORM moved(id, ms, to_status, x, attempts, crashed, handed, by, due);
        END $$;
        CREATE FUNCTION settled(id integer, claim integer, ms float8, to_status text DEFAULT 'success',
            due float8 DEFAULT NULL)
        RETURNS void LANGUAGE sql AS
            $$ SELECT let_go(id, claim, ms, to_status, by => claim, due => due) $$;

        CREATE FUNCTION ran(id integer, claim integer, att integer, pid integer, t0 float8,
            t1 float8 DEFAULT NULL, how text DEFAULT 'ok')
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO event (t, p, pid, e, token, job, claim, att)
            VALUES (t0 * 1e6, 'w' || pid, pid, 'start', 'tok' || id, u(id), u(ran.claim), ran.att);
            INSERT INTO event (t, p, pid, e, token, job, claim, att, out)
            SELECT t1 * 1e6, 'w' || ran.pid, ran.pid, 'end', 'tok' || id, u(id), u(ran.claim), ran.att, how
            WHERE t1 IS NOT NULL $$;

        CREATE FUNCTION happened(ms float8, what text, pid integer, how text, name text DEFAULT '')
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO event (t, p, pid, e, out, name) VALUES (ms * 1e6, 'chaos', pid, what, how, name) $$;

        CREATE FUNCTION beat(worker integer, pid integer, op text, ms float8) RETURNS void LANGUAGE sql AS $$
            INSERT INTO change (n, xid, at, committed, tbl, op, worker, pid, lease_us, queues)
            VALUES (nextval('n'), nextval('n'), at(ms), at(ms), 'worker', op, u(worker), pid, 3000000,
                '{default,second}') $$;

        CREATE FUNCTION looked(ms float8, orphans integer DEFAULT 0, oldest integer DEFAULT 0,
            free integer DEFAULT 8, connections integer DEFAULT 10, deadlocks integer DEFAULT 0,
            due integer DEFAULT 0)
        RETURNS void LANGUAGE sql AS $$
            INSERT INTO event (t, p, pid, e, name, x)
            VALUES (ms * 1e6, 'chaos', 1, 'sample', 'postgres', jsonb_build_object(
                'clock_us', (extract(epoch FROM at(ms)) * 1000000)::bigint, 'orphans', orphans,
                'due', due, 'oldest_ms', oldest, 'free_slots', free, 'open', 0,
                'connections', connections, 'deadlocks', deadlocks, 'dead_rows', 0)) $$;

        """

    /// A run in which all is well: a worker (1) that lives, one (2) that is killed, one (3) that is
    /// asked to go, and one job of each fate.
    static let good = """
        SELECT happened(0, 'phase', 1, NULL, 'load');
        SELECT beat(1, 100, 'I', 0), beat(2, 200, 'I', 0), beat(3, 300, 'I', 0);
        SELECT beat(1, 100, 'U', g) FROM generate_series(500, 9000, 500) AS g;
        SELECT beat(2, 200, 'U', g) FROM generate_series(500, 1500, 500) AS g;
        SELECT beat(3, 300, 'U', g) FROM generate_series(500, 2500, 500) AS g;
        SELECT looked(g) FROM generate_series(0, 30000, 250) AS g;
        INSERT INTO event (t, p, pid, e, name, x)
        SELECT g * 1e6, 'chaos', 1, 'sample', 'redis', '{"listed": 0}'
        FROM generate_series(0, 30000, 1000) AS g;

        -- 1: at once.
        SELECT asked(1, 1000), entered(1, 1001), told(1, 1002, 1);
        SELECT claimed(1, 11, 1, 1003), ran(1, 11, 1, 100, 1004, 1010), settled(1, 11, 1011);
        INSERT INTO event (t, p, pid, e, token, job) VALUES (1050e6, 'chaos', 1, 'found', 'tok1', u(1));
        -- 2: the second attempt.
        SELECT asked(2, 1000), entered(2, 1001), told(2, 1002, 2);
        SELECT claimed(2, 21, 1, 1003), ran(2, 21, 1, 100, 1004, 1010, 'failed'),
            settled(2, 21, 1011, 'scheduled', due => 1211);
        SELECT moved(2, 1220, 'queued', nextval('n'));
        SELECT claimed(2, 22, 1, 1230), ran(2, 22, 2, 100, 1231, 1240), settled(2, 22, 1241);
        -- 3: its worker is killed, another takes it over.
        SELECT asked(3, 1700), entered(3, 1701), told(3, 1702, 3);
        SELECT claimed(3, 31, 2, 1703), ran(3, 31, 1, 200, 1704);
        SELECT happened(1800, 'fault.start', 1, NULL, 'kill'), happened(1810, 'signalled', 200, 'KILL'),
            happened(1815, 'exit', 200, 'signal 9'), happened(1820, 'fault.stop', 1, NULL, 'kill');
        SELECT beat(2, 200, 'D', 5000), let_go(3, 31, 5001, 'queued', crashed => 1);
        SELECT claimed(3, 32, 1, 5010), ran(3, 32, 2, 100, 5011, 5020), settled(3, 32, 5021);
        -- 4: handed back by a worker that goes.
        SELECT asked(4, 2000), entered(4, 2001), told(4, 2002, 4);
        SELECT claimed(4, 41, 3, 2003), ran(4, 41, 1, 300, 2004, 2600, 'cancelled');
        SELECT happened(2500, 'signalled', 300, 'TERM'),
            let_go(4, 41, 2610, 'queued', attempts => -1, handed => 1),
            beat(3, 300, 'D', 2620), happened(2630, 'exit', 300, 'exit 0');
        SELECT claimed(4, 42, 1, 2640), ran(4, 42, 1, 100, 2641, 2650), settled(4, 42, 2651);
        -- 5: called off while it waited.
        SELECT asked(5, 2000), entered(5, 2001), told(5, 2002, 5);
        SELECT moved(5, 2100, 'cancelled', nextval('n'));
        INSERT INTO event (t, p, pid, e, token, job) VALUES (2101e6, 'chaos', 1, 'cancel.done', 'tok5', u(5));
        -- 6: kills every worker it meets; these are processes of their own.
        SELECT asked(6, 3000), entered(6, 3001, 'pill'), told(6, 3002, 6);
        SELECT beat(4 + g, 400 + g, 'I', 3000 + g), claimed(6, 61 + g, 4 + g, 3100 + g * 1000),
            ran(6, 61 + g, 1 + g, 400 + g, 3101 + g * 1000),
            happened(3110 + g * 1000, 'exit', 400 + g, 'signal 6'),
            beat(4 + g, 400 + g, 'D', 3600 + g * 1000),
            let_go(6, 61 + g, 3601 + g * 1000, CASE g WHEN 2 THEN 'error' ELSE 'queued' END, crashed => 1)
        FROM generate_series(0, 2) AS g ORDER BY g;
        -- 7 and 70: the second is answered with the first, which holds the unique key.
        SELECT asked(7, 6000, key => 'k'), entered(7, 6001, key => 'k'), told(7, 6002, 7, 'k'),
            asked(70, 6003, key => 'k'), told(70, 6004, 7, 'k');
        SELECT claimed(7, 71, 1, 6005), ran(7, 71, 1, 100, 6006, 6010), settled(7, 71, 6011);
        -- 8 and 9: one request; 9 fails with a hostile text first.
        SELECT asked(8, 6100, 'both'), asked(9, 6100, 'both'), entered(8, 6101), entered(9, 6101, 'hostile'),
            told(8, 6102, 8), told(9, 6102, 9);
        SELECT claimed(8, 81, 1, 6103), ran(8, 81, 1, 100, 6104, 6110), settled(8, 81, 6111);
        SELECT claimed(9, 91, 1, 6103), ran(9, 91, 1, 100, 6104, 6110, 'failed'),
            settled(9, 91, 6111, 'scheduled', due => 6311);
        INSERT INTO attempt VALUES (u(9), u(91), 1, 'retry', 2000);
        SELECT moved(9, 6320, 'queued', nextval('n'));
        SELECT claimed(9, 92, 1, 6330), ran(9, 92, 2, 100, 6331, 6340), settled(9, 92, 6341);
        -- 501 to 503: put in by a schedule that ticks every second.
        SELECT entered(500 + g, 4001 + g * 1000, 'tick') FROM generate_series(1, 3) AS g ORDER BY g;
        SELECT claimed(500 + g, 510 + g, 1, 4003 + g * 1000),
            ran(500 + g, 510 + g, 1, 100, 4004 + g * 1000, 4005 + g * 1000),
            settled(500 + g, 510 + g, 4006 + g * 1000)
        FROM generate_series(1, 3) AS g ORDER BY g;
        INSERT INTO tick SELECT 'second', at(4000 + g * 1000), u(500 + g)
        FROM generate_series(1, 3) AS g;
        SELECT happened(9000, 'phase', 1, NULL, 'drain');
        INSERT INTO cfg VALUES ('lease_ms', 3000), ('grace_ms', 5000), ('heal_ms', 2000),
            ('orphan_ms', 6000), ('pick_ms', 2500), ('max_crashes', 3), ('connections', 50),
            ('list_slack', 100), ('clock_is_true', 1), ('look_ms', 2000), ('clear_ms', 2500), ('jobs', 10),
            ('mixture_from', 10), ('exit_ms', 1000), ('last_claim_ms', 200),
            ('elsewhere_ms', 2000), ('tick_ms', 1000), ('excuse_orphans', 1), ('excuse_stuck', 1),
            ('excuse_connections', 1), ('excuse_lists', 1), ('excuse_beats', 1);

        """
}
