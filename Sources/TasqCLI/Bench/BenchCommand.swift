import ArgumentParser
import Tasq

/// `tasq bench`: figures anyone can take again, on private servers with `fsync` and
/// `synchronous_commit` on.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure on private servers how fast jobs drain and how soon one starts.",
        discussion: """
            Starts a PostgreSQL and a Redis of its own with full durability, and one worker in this \
            process; nothing outside is touched, and everything is removed at the end.
            """)

    @Option(help: ArgumentHelp("Jobs to drain, 1 to 1000000.", valueName: "n"))
    var jobs = 50_000

    @Option(help: ArgumentHelp("Times the idle pickup is measured, 1 to 100000.", valueName: "n"))
    var samples = 1000

    @Option(help: ArgumentHelp("Jobs run at once, 1 to 10000.", valueName: "n"))
    var concurrency = 100

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(jobs) else {
            throw ValidationError("--jobs must be between 1 and 1000000")
        }
        guard (1...100_000).contains(samples) else {
            throw ValidationError("--samples must be between 1 and 100000")
        }
        guard (1...10_000).contains(concurrency) else {
            throw ValidationError("--concurrency must be between 1 and 10000")
        }
    }

    func run() async throws {
        let bench = try await Bench.start(concurrency: concurrency)
        do {
            let latency = try await bench.idlePickup(samples: samples)
            let drain = try await bench.drain(jobs)
            await bench.stop()
            try print(latency, drain)
        } catch {
            await bench.stop()
            throw error
        }
    }

    private func print(_ latency: Bench.Latency, _ drain: Bench.Drain) throws {
        if json {
            try StandardOutput.line(
                JSON.object([
                    "drain_jobs": .int(drain.jobs),
                    "drain_seconds": .decimal(drain.time.inSeconds),
                    "drain_jobs_per_second": .int(drain.perSecond),
                    "pickup_samples": .int(latency.samples),
                    "pickup_p50_ms": .decimal(latency.median.inSeconds * 1000),
                    "pickup_p99_ms": .decimal(latency.p99.inSeconds * 1000),
                ]).text)
            return
        }
        var table = Table([
            .init(heading: "measure"), .init(heading: "value", isNumber: true),
            .init(heading: "how"),
        ])
        table.add([
            "drain", "\(drain.perSecond) jobs/s",
            "\(drain.jobs) no-op jobs of 1 kB, one worker, \(concurrency) slots",
        ])
        table.add([
            "idle pickup p50", "\(milliseconds(latency.median)) ms",
            "commit returned to handler entered, \(latency.samples) times",
        ])
        table.add(["idle pickup p99", "\(milliseconds(latency.p99)) ms", ""])
        try StandardOutput.write(table.text(styled: Report.isStyled))
    }

    /// With two decimals.
    private func milliseconds(_ duration: Duration) -> String {
        let hundredths = Int((duration.inSeconds * 100_000).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
