import Tasq
import TasqPostgres

extension Bench {
    /// Callers that enqueue, each with unique keys of its own.
    private static let heldCallers = 20

    func held() async throws -> Findings {
        let jobs = max(Self.heldCallers, plan.jobs ?? 10_000)
        var beside: [LatencyRecord] = []
        var alone: [LatencyRecord] = []
        try await eachRound(.held) { _ in
            alone.append(try await enqueueUnique(jobs, besideHolder: false))
            beside.append(try await enqueueUnique(jobs, besideHolder: true))
        }
        var findings = Findings()
        for (name, percentile) in [("p99", 99.0), ("max", 100.0)] {
            findings.figures.append(
                Figure(
                    scenario: .held, measure: "unique enqueue \(name)", unit: "ms",
                    rounds: beside.map { $0.percentile(percentile) },
                    floor: .rounds(
                        alone.map { $0.percentile(percentile) },
                        how: "the same without that transaction"),
                    how:
                        "\(jobs) jobs, \(Self.heldCallers) callers with keys of their own, one more "
                        + "tries all the time for a key that an open transaction holds"))
        }
        return findings
    }

    private func enqueueUnique(_ jobs: Int, besideHolder: Bool) async throws -> LatencyRecord {
        try await Stage.with(servers) { stage in
            let holder = Session(
                settings: try PostgresSettings(url: servers.databaseURL, schema: stage.schema),
                logger: .silent)
            let taken = "taken"
            if besideHolder {
                try await holder.script(
                    """
                    SET idle_in_transaction_session_timeout = 0; BEGIN;
                    SELECT \(stage.schema).enqueue('\(Stage.kind)', unique_key => '\(taken)')
                    """)
            }
            let waits = LatencyRecord()
            let isOver = Signal()
            try await withThrowingTaskGroup(of: Void.self) { group in
                if besideHolder {
                    group.addTask {
                        // As a client does that is told to try again, though without a pause.
                        while !isOver.isRaised, !Task.isCancelled {
                            _ = try? await stage.queue.enqueue(Self.job(unique: taken))
                        }
                    }
                }
                for caller in 0..<Self.heldCallers {
                    group.addTask {
                        for number in 0..<(jobs / Self.heldCallers) {
                            let job = try Self.job(unique: "\(caller)-\(number)")
                            let start = ContinuousClock.now
                            _ = try await stage.queue.enqueue(job)
                            waits.note(.now - start)
                        }
                    }
                }
                for _ in 0..<Self.heldCallers { try await group.next() }
                isOver.raise()
                if besideHolder { try await holder.script("ROLLBACK") }
                try await group.waitForAll()
            }
            await holder.close()
            return waits
        }
    }

    private static func job(unique key: String) throws -> NewJob {
        try NewJob(kind: Name(Stage.kind), uniqueKey: key, payload: Payload(Array("{}".utf8)))
    }
}
