import Tasq
import TasqPostgres
import TasqTesting

extension Bench {
    func idle() async throws -> Findings {
        let time = plan.time(20)
        progress.show("idle")
        let (transactions, commands) = try await Stage.with(servers) { stage in
            try await stage.withWorker(slots: plan.concurrency) {
                // A session that has come to rest tells the statistics only after ten seconds.
                try await Task.sleep(for: plan.time(11))
                let before = try await workDone()
                try await Task.sleep(for: time)
                let after = try await workDone()
                // Each look at the counters is the server's work too.
                return (
                    after.transactions - before.transactions - 1,
                    after.commands - before.commands - 1
                )
            }
        }
        let perMinute = 60 / time.inSeconds
        let how = "one worker with nothing to do, \(DurationText.format(time)), the whole server"
        var findings = Findings()
        findings.figures = [
            Figure(
                scenario: .idle, measure: "PostgreSQL", unit: "commits/min",
                rounds: [Double(transactions) * perMinute], how: how),
            Figure(
                scenario: .idle, measure: "Redis", unit: "commands/min",
                rounds: [Double(commands) * perMinute], how: how),
            Figure(
                scenario: .idle, measure: "memory", unit: "MB",
                rounds: [ProcessMemory.now.megabytes],
                how: "VmRSS of the process, after the scenarios before it"),
        ]
        return findings
    }

    /// What both servers have done since they started.
    private func workDone() async throws -> (transactions: Int, commands: Int) {
        let row = try await servers.rows(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        let info = try await servers.redis.command("INFO", "stats")
        let name = "total_commands_processed:"
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name) }
        let commands = line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
        return (try row[0].at(0), commands)
    }
}
