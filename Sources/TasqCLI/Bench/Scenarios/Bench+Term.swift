import Tasq
import TasqPostgres

extension Bench {
    /// A term left behind by a clock that was ahead, as a failover leaves it.
    func term() async throws -> Findings {
        var beside: [Double] = []
        var alone: [Double] = []
        try await eachRound(.term) { _ in
            alone.append(try await pickUpDelayed(besideTerm: false))
            beside.append(try await pickUpDelayed(besideTerm: true))
        }
        var findings = Findings()
        findings.figures = [
            Figure(
                scenario: .term, measure: "delayed job's pickup", unit: "s", rounds: beside,
                floor: .rounds(alone, how: "the same without that term"),
                how: "due a second after SQL enqueued it, by a worker at rest, while the "
                    + "maintenance term of somebody who is gone ends in an hour")
        ]
        return findings
    }

    /// Seconds from the moment a job is due to its claim.
    private func pickUpDelayed(besideTerm: Bool) async throws -> Double {
        try await Stage.with(servers) { stage in
            if besideTerm {
                try await servers.admin.script(
                    """
                    INSERT INTO \(stage.schema).leader (name, holder, term, counter, expires_at)
                    VALUES ('maintenance', gen_random_uuid(), 7, 0, now() + interval '1 hour')
                    """)
            }
            return try await stage.withWorker(slots: Self.commonSlots) {
                try await servers.admin.script(
                    "SELECT \(stage.schema).enqueue('\(Stage.kind)', "
                        + "run_at => now() + interval '1 second')")
                try await stage.settled(1)
                let row = try await servers.rows(
                    "SELECT (extract(epoch FROM claimed_at - run_at) * 1000000)::bigint "
                        + "FROM \(stage.schema).job")
                return try row[0].at(0, as: Duration.self).inSeconds
            }
        }
    }
}
