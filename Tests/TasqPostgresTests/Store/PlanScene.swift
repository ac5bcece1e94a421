import Foundation
import Tasq

@testable import TasqPostgres

/// A long history, a long backlog, and the hot statements with arguments that find work in them.
struct PlanScene {
    /// Finished jobs, and as many that wait. `TASQ_TEST_PLAN_ROWS` sets another number.
    let size =
        ProcessInfo.processInfo.environment["TASQ_TEST_PLAN_ROWS"].flatMap { Int($0) } ?? 50_000
    /// How many jobs a statement is given or asks for.
    let batch = 5
    /// Rows of tables that grow with the work, and blocks of all, that a statement may read. Beside
    /// them stand ten thousands of rows, and several hundred blocks of the smallest index.
    var mostRows: Int { 30 * batch }
    var mostBlocks: Int { 70 * batch }

    struct Hot {
        let statement: Statement
        let arguments: String
        /// Rows that it counts, beside those of the batch.
        var counts = 0

        var name: String { statement.name }
    }

    var statements: [Hot] {
        let all = Statements(schema: "tasq")
        let worker = "'\(Self.worker)'"
        let mine = "\(worker), '{default}'"
        let queued = "public.ids('queued')"
        let executing = "public.ids('executing'), public.claims('executing')"
        let bodies = "array_fill(''::bytea, ARRAY[\(batch)])"
        let jobs = "'{noop}', '{}', '{}', '{text/plain}', '{\"\"}', \(bodies)"
        let values = JobOption.all.map { $0.range != nil ? "1" : $0.isRequired ? "default" : "" }
        let options = values.map { "'{\($0)}'" }.joined(separator: ", ")
        let one = values.map { $0.isEmpty ? "NULL" : "'\($0)'" }.joined(separator: ", ")
        let keys = "ARRAY['a', 'b', 'c', '1', '6']"
        let last = "'ffffffff-0000-0000-0000-000000000000'"
        let any = "NULL, \(batch), '{error}', NULL, NULL, NULL, NULL, NULL, FALSE"
        return [
            Hot(statement: all.claim, arguments: "\(queued), \(mine)"),
            Hot(statement: all.claimSuspect, arguments: mine),
            Hot(statement: all.stillQueued, arguments: queued),
            Hot(statement: all.announceable, arguments: queued),
            Hot(
                statement: all.queued,
                arguments: "'default', 1, public.middle(), \(worker), \(batch)"),
            // As many as they are asked for in earnest: more rows than the planner may believe in.
            Hot(
                statement: all.queued,
                arguments: "'default', 1, public.middle(), \(worker), 1000", counts: 2000),
            Hot(
                statement: all.sweep, arguments: "\(mine), 500, 2000, '{}', '{}', '{}'",
                counts: 10_000),
            Hot(statement: all.promote, arguments: "1000", counts: 15_000),
            Hot(statement: all.hasten, arguments: "'{default}', 1000, 10000", counts: 15_000),
            Hot(statement: all.sweep, arguments: "\(mine), \(batch), 2000, '{}', '{}', '{}'"),
            // It knows a thousand kinds, and none of those that wait: a stretch is looked at in vain.
            Hot(
                statement: all.sweep,
                arguments: """
                    '\(Self.stranger)', '{default}', \(batch), \(2 * batch), \
                    '{1}', ARRAY[public.middle()], '{\(Self.stranger)}'
                    """),
            Hot(statement: all.queues, arguments: "\(batch), 10, \(batch)"),
            Hot(statement: all.failures, arguments: "\(batch), 10"),
            Hot(statement: all.putOff, arguments: "\(batch), 10"),
            // A limit of depth is walked as far as it goes, and the oldest of each priority is looked at.
            Hot(
                statement: all.limits, arguments: "NULL, 100, '{default}', FALSE, NULL",
                counts: 2000),
            Hot(statement: all.limits, arguments: "NULL, 100, '{other}', FALSE, NULL"),
            Hot(statement: all.limits, arguments: "NULL, 1, '{}', TRUE, 'other'"),
            Hot(statement: all.explain, arguments: "(public.ids('queued'))[1]", counts: 1000),
            Hot(statement: all.explain, arguments: "(public.ids('queued'))[5]", counts: 1000),
            Hot(statement: all.reap, arguments: "\(batch), 3, NULL"),
            Hot(statement: all.promote, arguments: "\(batch)"),
            Hot(statement: all.hasten, arguments: "'{default}', \(batch), \(2 * batch)"),
            Hot(statement: all.settle, arguments: "\(executing), '{success}', '{}', '{}'"),
            Hot(statement: all.settle, arguments: "\(executing), '{retry}', '{0}', '{why}'"),
            Hot(
                statement: all.settledBefore,
                arguments: "public.ids('success'), public.ids('success'), '{success}'"),
            Hot(statement: all.renew, arguments: "(public.ids('executing'))[1], NULL, 'test'"),
            Hot(statement: all.revoked, arguments: executing),
            Hot(statement: all.enqueue, arguments: "public.fresh(), \(jobs), \(options)"),
            Hot(statement: all.enqueueAgain, arguments: "\(queued), \(jobs), \(options)"),
            Hot(
                statement: all.enqueueOne,
                arguments: "tasq.uuid_v7(), 'noop', NULL, NULL, '', '', '', \(one)"),
            Hot(
                statement: all.enqueueUnique,
                arguments: "public.fresh(), \(jobs), \(keys), '100', \(options)"),
            Hot(statement: all.uniqueHolders, arguments: "\(keys), \(queued)"),
            Hot(
                statement: all.accept,
                arguments: """
                    public.fresh(), '{s}', \(keys.replacing("'1', '6'", with: "'5', '10'")), \
                    '{text/plain}', \(bodies), \(bodies), public.fresh(), public.fresh(), \
                    '{noop}', '{}', '100', \(options)
                    """),
            Hot(
                statement: all.acceptedBefore,
                arguments: "array_fill('s'::text, ARRAY[5]), ARRAY['5', '10', '15', '20', 'none']"),
            Hot(statement: all.rearm, arguments: "public.ids('event'), '100'"),
            Hot(statement: all.cancel, arguments: queued),
            Hot(statement: all.cancel, arguments: "public.ids('executing')"),
            Hot(statement: all.retry, arguments: "public.ids('error'), '100'"),
            Hot(statement: all.retry, arguments: "public.ids('scheduled'), '100'"),
            Hot(statement: all.delete, arguments: "public.ids('success')"),
            // These are of webhook events.
            Hot(statement: all.delete, arguments: "public.ids('error')"),
            // None of them ended then: each is looked at, and left.
            Hot(
                statement: all.prune,
                arguments: """
                    public.ids('success'), array_fill('success'::text, ARRAY[\(batch)]), \
                    array_fill('2020-01-01'::timestamptz, ARRAY[\(batch)])
                    """),
            Hot(
                statement: all.expired,
                arguments: "NULL, \(batch), '{other}', '{1}', '{1}', '{1}', 0, 0, NULL"),
            Hot(
                statement: all.look,
                arguments:
                    "(public.ids('executing'))[5], public.ids('executing'), \(batch), \(last), now()"
            ),
            Hot(statement: all.pulse, arguments: "\(last), \(batch), 10000000"),
            Hot(statement: all.job, arguments: "(public.ids('queued'))[1]"),
            Hot(
                statement: all.eventOutcomes,
                arguments: "ARRAY[(public.ids('event'))[1]], \(batch)"),
            Hot(statement: all.matching, arguments: any + ", NULL"),
            Hot(statement: all.matching, arguments: any + ", 'nope'"),
            Hot(statement: all.matchingErrors, arguments: any + ", NULL"),
            Hot(statement: all.matchingErrors, arguments: any + ", 'nope'"),
        ] + lists
    }

    /// Everything, with an ANALYZE at the time that leaves this knowledge.
    func fill(knowing knowledge: PlanTests.Knowledge) -> String {
        let parts =
            switch knowledge {
            case .none: [stage, history, backlog, rest]
            case .ofEmptyTables: [stage, Self.analyze, history, backlog, rest]
            case .ofHistory: [stage, history, Self.analyze, backlog, rest]
            case .ofAll: [stage, history, backlog, rest, Self.analyze]
            case .ofBacklog: [stage, history, backlog, rest, Self.analyze, end]
            case .ofNoColumn: [stage, withoutStatistics, history, backlog, rest, Self.analyze]
            }
        return parts.joined(separator: "\n")
    }

    static let analyze = """
        ANALYZE tasq.job, tasq.payload, tasq.executing_job, tasq.attempt, tasq.unique_key, tasq.worker,
            tasq.queue_setting;
        """

    static let worker = "00000000-0000-7000-8000-000000000001"
    private static let stranger = "00000000-0000-7000-8000-000000000002"

    /// Nobody but the scene itself analyzes; arguments come from functions, for EXECUTE takes no queries.
    var stage: String {
        let tables = ["job", "payload", "executing_job", "attempt", "unique_key", "worker"]
        return tables.map { "ALTER TABLE tasq.\($0) SET (autovacuum_enabled = off);\n" }.joined()
            + """
            CREATE TABLE public.picked (name text, ids uuid[], claims uuid[]);
            CREATE FUNCTION public.ids(text) RETURNS uuid[] LANGUAGE sql STABLE
                AS 'SELECT p.ids FROM public.picked AS p WHERE p.name = $1';
            CREATE FUNCTION public.claims(text) RETURNS uuid[] LANGUAGE sql STABLE
                AS 'SELECT p.claims FROM public.picked AS p WHERE p.name = $1';
            CREATE FUNCTION public.middle() RETURNS timestamptz LANGUAGE sql STABLE
                AS 'SELECT j.run_at FROM tasq.job AS j WHERE j.id = (public.ids(''queued''))[3]';
            CREATE FUNCTION public.fresh() RETURNS uuid[] LANGUAGE sql VOLATILE
                AS 'SELECT array_agg(tasq.uuid_v7()) FROM generate_series(1, \(batch))';
            INSERT INTO tasq.worker
                (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us, kinds)
            VALUES ('\(Self.worker)', 'test', 1, '{default}', 10, 'test', 2000000, 15000000, '{noop}'),
                ('\(Self.stranger)', 'test', 1, '{other}', 10, 'test', 2000000, 15000000,
                    ARRAY(SELECT 'other\\_' || n FROM generate_series(1, 1000) AS n));
            INSERT INTO tasq.flow_limit (queue, max_depth, max_age_us)
            VALUES ('default', 1000, 60000000), ('other', 10, 60000000);

            """
    }

    /// Finished jobs, one in fifty in `error`, one in five of a webhook event.
    var history: String {
        let id = id(1)
        return """
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at,
                claimed_at, finished_at, last_claim)
            SELECT \(id), CASE WHEN n % 5 = 0 THEN \(self.id(0)) ELSE \(id) END, 'default', 'noop',
                (CASE WHEN n % 50 = 0 THEN 'error' ELSE 'success' END)::tasq.job_status, 1, 3, 1,
                now() - interval '1 hour', now(), now(), gen_random_uuid()
            FROM generate_series(1, \(size)) AS n;
            INSERT INTO tasq.payload (id, source, event_id, content_type, body)
            SELECT CASE WHEN n % 5 = 0 THEN \(self.id(0)) ELSE \(id) END,
                CASE WHEN n % 5 = 0 THEN 's' END, CASE WHEN n % 5 = 0 THEN n::text END, 'text/plain', ''
            FROM generate_series(1, \(size)) AS n;
            INSERT INTO tasq.attempt (job_id, claim, attempt, outcome, started_at)
            SELECT \(id), gen_random_uuid(), 1, 'retry', now()
            FROM generate_series(1, \(size), 2) AS n;
            INSERT INTO public.picked
            SELECT 'error', array_agg(\(id)) FROM generate_series(50, \(size), \(size / batch)) AS n
            UNION ALL
            SELECT 'event', array_agg(\(self.id(0)))
            FROM generate_series(50, \(size), \(size / batch)) AS n
            UNION ALL
            SELECT 'success', array_agg(\(id))
            FROM generate_series(1, \(size), \(size / batch)) AS n;

            """
    }

    /// Jobs that wait, one in five with a unique key.
    var backlog: String {
        """
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, unique_key, run_at)
        SELECT \(id(2)), \(id(2)), 'default', 'noop', 'queued', 1, 3,
            CASE WHEN n % 5 = 1 THEN n::text END, now() - interval '1 minute' + n * interval '1 us'
        FROM generate_series(1, \(size)) AS n;
        INSERT INTO tasq.payload (id, content_type, body)
        SELECT \(id(2)), 'text/plain', '' FROM generate_series(1, \(size)) AS n;
        INSERT INTO tasq.unique_key SELECT n::text, \(id(2)) FROM generate_series(1, \(size), 5) AS n;
        INSERT INTO public.picked
        SELECT 'queued', array_agg(\(id(2))) FROM generate_series(1, \(size), \(size / batch)) AS n;

        """
    }

    /// Scheduled jobs, half of them due; jobs that are tried again; a suspect; and claims, half of them
    /// of a worker that is gone.
    var rest: String {
        """
        INSERT INTO tasq.job (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
        SELECT \(id(3)), \(id(3)), 'default', 'noop', 'scheduled', 1, 3,
            now() + (n - \(size / 10)) * interval '1 second'
        FROM generate_series(1, \(size / 5)) AS n;
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at)
        SELECT \(id(3)), \(id(3)), 'default', 'noop', 'scheduled', 1, 3, 1, now() + interval '1 hour'
        FROM generate_series(\(size / 5 + 1), \(size / 5 + size / 10)) AS n;
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, crashes, run_at)
        SELECT \(id(4)), \(id(4)), 'default', 'noop', 'queued', 1, 3, 2, now()
        FROM generate_series(1, 1) AS n;
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at)
        SELECT \(id(5)), \(id(5)), 'default', 'noop', 'executing', 1, 3, 1, now()
        FROM generate_series(1, 40) AS n;
        INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
        SELECT \(id(5)), gen_random_uuid(),
            CASE WHEN n % 2 = 0 THEN '\(Self.worker)' ELSE gen_random_uuid() END, 1, now()
        FROM generate_series(1, 40) AS n;
        INSERT INTO public.picked
        SELECT 'executing', array_agg(e.job_id), array_agg(e.id)
        FROM (
            SELECT x.job_id, x.id FROM tasq.executing_job AS x
            WHERE x.worker_id = '\(Self.worker)'
            ORDER BY x.job_id
            LIMIT \(batch)
        ) AS e;
        INSERT INTO public.picked
        SELECT 'scheduled', array_agg(\(id(3)))
        FROM generate_series(1, \(size / 5), \(size / 5 / batch)) AS n;

        """
    }

    /// Queued jobs without an attempt left, and some that are not due, in front of a queue of their own;
    /// and others that a clock that went back has put off.
    var ahead: String {
        """
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, attempt, run_at)
        SELECT \(id(6)), \(id(6)), 'ahead', 'noop', 'queued', 0, 3, n % 2 * 3,
            CASE WHEN n % 2 = 1 THEN now() - interval '1 hour' ELSE 'infinity' END
        FROM generate_series(1, \(size)) AS n;
        INSERT INTO tasq.job
            (id, payload_id, queue, kind, status, priority, max_attempts, run_at, enqueued_at)
        SELECT \(id(7)), \(id(7)), 'back', 'noop', 'queued', 1, 3,
            now() + interval '1 hour' + n * interval '1 us', now() + n % 2 * interval '1 hour'
        FROM generate_series(1, \(size)) AS n;

        """
    }

    /// Sweeps among those, and what makes due the jobs that are to be.
    var amongThose: [Hot] {
        let all = Statements(schema: "tasq")
        let places = ["'{}', '{}', '{}'", "'{0}', ARRAY[now()], '{\(Self.worker)}'"]
        let sweeps = places.map { place in
            Hot(
                statement: all.sweep,
                arguments: "'\(Self.worker)', '{ahead}', \(batch), \(2 * batch), \(place)")
        }
        let arguments = "'{default,ahead,back}', \(batch), \(2 * batch)"
        return sweeps + [Hot(statement: all.hasten, arguments: arguments)]
    }

    /// The backlog is done, and vacuumed as it would be; the statistics stay as they are.
    private var end: String {
        """
        UPDATE tasq.job SET status = 'success', finished_at = now()
        WHERE status = 'queued' AND crashes = 0 AND id <> ALL (public.ids('queued'));
        VACUUM tasq.job;

        """
    }

    private var withoutStatistics: String {
        """
        DO $$
        DECLARE
            c record;
        BEGIN
            FOR c IN
                SELECT a.attrelid::regclass AS place, a.attname
                FROM pg_attribute AS a
                JOIN pg_class AS t ON t.oid = a.attrelid
                WHERE t.relnamespace = 'tasq'::regnamespace AND t.relkind = 'r' AND a.attnum > 0
            LOOP
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', c.place, c.attname);
            END LOOP;
        END $$;

        """
    }

    /// An id for the number `n`, in the order of the numbers and behind those of lower groups.
    func id(_ group: Int) -> String {
        """
        (lpad(to_hex(\(group + 1)000000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 3) \
        || '8' || substr(md5(n::text), 4, 15))::uuid
        """
    }
}
