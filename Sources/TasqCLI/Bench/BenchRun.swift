import ArgumentParser
import Tasq
import TasqTesting

/// One run from the servers' start to their end, which a signal brings about early.
struct BenchRun: Sendable {
    let plan: BenchPlan
    let place: BenchServers.Place
    private let progress = Progress(isShown: StandardError.isTerminal)

    init(plan: BenchPlan, place: BenchServers.Place) {
        self.plan = plan
        self.place = place
    }

    /// Measures everything planned. What was made on the servers is removed in any case.
    ///
    /// Throws ``ExitCode`` `128 + signal` after a signal.
    func run() async throws -> BenchReport {
        let signals = TerminationSignals(patience: 1)
        progress.show("starting")
        let servers: BenchServers
        do {
            servers = try await BenchServers.start(place)
        } catch let error as TestingError {
            progress.clear()
            throw Failure(.unavailable, error.description)
        } catch {
            progress.clear()
            throw error
        }
        let result: Result<BenchReport?, any Error>
        do {
            result = .success(try await untilSignal(signals) { try await measure(on: servers) })
        } catch {
            result = .failure(error)
        }
        progress.show("removing what was made")
        do {
            try await servers.stop()
        } catch {
            progress.clear()
            if case .success = result { throw error }
        }
        progress.clear()
        if let number = signals.received.first { throw ExitCode(128 + number) }
        guard let report = try result.get() else { throw CancellationError() }
        return report
    }

    private func measure(on servers: BenchServers) async throws -> BenchReport {
        let machine = try await Machine.look(at: servers)
        let bench = Bench(plan: plan, servers: servers, pgbench: PgBench(), progress: progress)
        var findings: [Findings] = []
        for scenario in plan.scenarios {
            progress.show(scenario.rawValue)
            findings.append(
                try await bench.run(scenario, after: findings.flatMap(\.figures)))
        }
        return BenchReport(machine: machine, plan: plan, findings: findings)
    }

    /// Runs the body until it ends or a signal comes; `nil` after a signal, once the body has
    /// let go of everything.
    private func untilSignal<Value: Sendable>(
        _ signals: TerminationSignals, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals.stream { return nil }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
