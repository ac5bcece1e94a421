import ArgumentParser
import FoundationEssentials
import Tasq
import TasqPostgres

/// `tasq top`: queues, workers and rates, looked at every second.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch queues, workers and rates, refreshed every second.",
        discussion: """
            q or Ctrl-C ends it. Without a terminal, or with --once, it looks twice, a second apart, \
            prints one frame and ends; with --json it prints one object a line, every second or once.

            Rates are of the last seconds: jobs enqueued, started, ended in success or snoozed, and \
            ended in anything else. Pickup is how long jobs claimed within the last minute had been \
            due. Counts stop at 50000, of jobs in error and of those tried again at 10000. Every look \
            costs the same, whatever the backlog.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Print one JSON object a line for each look.")
    var json = false

    @Flag(help: "Print one frame and stop.")
    var once = false

    /// Between two looks.
    static let interval = Duration.seconds(1)

    func run() async throws {
        let configuration = try global.load(.database)
        let connections = try Connections(configuration, logger: .silent)
        let source = TopSource(store: connections.store)
        let environment = ProcessInfo.processInfo.environment
        let isLive = !json && !once && StandardOutput.isTerminal && environment["TERM"] != "dumb"
        guard isLive else {
            do {
                try await (json && !once ? stream(source) : printOne(source))
            } catch {
                await connections.close()
                throw error
            }
            return await connections.close()
        }
        // Its connections end with the process: one that hangs must not keep a reader who quits.
        try await TopScreen(source, isStyled: Report.isStyled).run()
    }

    private func printOne(_ source: TopSource) async throws {
        _ = try await source.look()
        try await Task.sleep(for: Self.interval)
        let reading = try await source.look()
        try json
            ? StandardOutput.line(JSON.reading(reading).text)
            : StandardOutput.write(
                TopFrame(reading: reading, place: source.place)
                    .text(width: .max, height: .max, isStyled: Report.isStyled))
    }

    /// Goes on while PostgreSQL is away, and says so; ends when nobody reads any more.
    private func stream(_ source: TopSource) async throws {
        var isFirst = true
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do {
                try StandardOutput.line(JSON.reading(try await source.look()).text)
            } catch let error as StoreError where error.isTransient || !isFirst {
                try StandardOutput.line(
                    JSON.object(["time": .text(Timestamp.now), "error": .text(error)]).text)
            }
            isFirst = false
            try await Task.sleep(until: start + Self.interval, clock: .continuous)
        }
    }
}

extension JSON {
    /// One look, with the names of the API.
    static func reading(_ reading: TopReading) -> JSON {
        let glance = reading.glance
        let milliseconds = { (wait: Duration?) -> JSON in
            wait.map { .decimal($0.inSeconds * 1000) } ?? .null
        }
        return .object([
            "time": .text(glance.asOf),
            "queues": .array(glance.queues.map(JSON.queue)),
            "workers": .array(glance.workers.map(JSON.worker)),
            "rates": reading.rates.map { rates in
                .object([
                    "enqueued": .decimal(rates.enqueued), "started": .decimal(rates.started),
                    "succeeded": .decimal(rates.succeeded), "failed": .decimal(rates.failed),
                ])
            } ?? .null,
            "pickup_ms": .object([
                "p50": milliseconds(glance.medianWait), "p99": milliseconds(glance.slowWait),
            ]),
        ])
    }
}
