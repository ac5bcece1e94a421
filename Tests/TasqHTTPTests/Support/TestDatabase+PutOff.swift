import TasqTesting

extension TestDatabase {
    /// Puts jobs in as they stand that were put off for a reason, the last time so long ago.
    func putOff(
        _ count: Int, for reason: String, ago: String = "0 s", queue: String = "hooks"
    ) async throws {
        try await execute(
            """
            INSERT INTO tasq.job
                (id, payload_id, queue, kind, status, priority, max_attempts, run_at, claimed_at,
                put_off_at, put_off_reason)
            SELECT tasq.uuid_v7(), gen_random_uuid(), '\(queue)', 'hook', 'scheduled', 1, 3,
                now() + interval '1 h' + n * interval '20 ms', now() - interval '\(ago)',
                now() - interval '1 h', $told$\(reason)$told$
            FROM generate_series(1, \(count)) AS n
            """)
    }
}
