@testable import TasqPostgres

/// Claims that ended while somebody holds a snapshot, which keeps their rows and the entries of these.
extension PlanScene {
    private static let remote = "00000000-0000-7000-8000-000000000003"

    /// As many as there are finished jobs, all of one remote worker.
    var ended: String {
        """
        INSERT INTO tasq.worker
            (id, host, pid, queues, concurrency, version, heartbeat_us, lease_us, heartbeat_seq)
        VALUES ('\(Self.remote)', 'test', 0, '{default}', 1, 'claims/1', 5000000, 15000000, 7);
        INSERT INTO tasq.executing_job (job_id, id, worker_id, attempt, claimed_at)
        SELECT \(id(6)), gen_random_uuid(), '\(Self.remote)', 1, now()
        FROM generate_series(1, \(size)) AS n;
        INSERT INTO public.picked
        SELECT 'ended', array_agg(\(id(6))), array_agg(gen_random_uuid())
        FROM generate_series(1, \(size), \(size / batch)) AS n;
        DELETE FROM tasq.executing_job WHERE worker_id = '\(Self.remote)';

        """
    }

    /// What is asked for each request of a remote worker, for each claim and for each outcome.
    var besideEnded: [Hot] {
        let all = Statements(schema: "tasq")
        let queued = "public.ids('queued')"
        let ended = "public.ids('ended')"
        let claims = "\(ended), public.claims('ended')"
        let executing = "public.ids('executing'), public.claims('executing')"
        let record = "'test', '{default}', 1, 'claims/1', 5000000, 15000000"
        return [
            Hot(
                statement: all.attend,
                arguments: "'\(Self.remote)', \(record), TRUE, \(ended)"),
            Hot(statement: all.attend, arguments: "tasq.uuid_v7(), \(record), FALSE, '{}'"),
            Hot(
                statement: all.attend,
                arguments: "'\(Self.remote)', \(record), TRUE, public.ids('executing')"),
            Hot(statement: all.retire, arguments: "'{\(Self.remote)}', '{-1}', '{}'"),
            Hot(statement: all.retire, arguments: "'{\(Self.remote)}', '{7}', \(ended)"),
            Hot(
                statement: all.renew,
                arguments: "(\(ended))[1], (public.claims('ended'))[1], 'claims/1'"),
            Hot(
                statement: all.claim,
                arguments: "\(queued), '\(Self.worker)', '{default}'"),
            Hot(
                statement: all.sweep,
                arguments: "'\(Self.worker)', '{default}', \(batch), 2000, '{}', '{}', '{}'"),
            Hot(statement: all.settle, arguments: "\(executing), '{success}', '{}', '{}'"),
            Hot(statement: all.settle, arguments: "\(claims), '{success}', '{}', '{}'"),
            Hot(statement: all.settledBefore, arguments: "\(claims), '{success}'"),
            Hot(statement: all.revoked, arguments: claims),
            Hot(
                statement: all.heldBody,
                arguments: "(\(ended))[1], (public.claims('ended'))[1]"),
        ]
    }
}
