import ArgumentParser
import FoundationEssentials
import Tasq
import TasqPostgres

/// `tasq bench`: figures anyone can take again, each beside the floor it stands on.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure tasq beside what PostgreSQL and Redis do without it.",
        discussion: """
            Starts a PostgreSQL and a Redis of its own with full durability, and a worker in this \
            process; everything is removed at the end. The floor is the same work by hand, mostly \
            pgbench with the same statements; both take turns and the median counts.
            """)

    @Argument(
        help: ArgumentHelp(
            "What to measure; all of them by default. --list tells them.", valueName: "scenario"))
    var scenarios: [Scenario] = []

    @Flag(help: "Say what can be measured, and measure nothing.")
    var list = false

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: ArgumentHelp("Draw latency and throughput into an SVG file.", valueName: "file"))
    var svg: String?

    @Option(
        help: ArgumentHelp(
            "Jobs to drain, \(BenchPlan.jobRange.text); each scenario's own number by default.",
            valueName: "n"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "Seconds of a timed measurement, \(BenchPlan.secondRange.text); each scenario's own "
                + "number by default.", valueName: "n"))
    var seconds: Int?

    @Option(
        help: ArgumentHelp(
            "Rows of history, backlog and reconcile, \(BenchPlan.rowRange.text).", valueName: "n"))
    var rows: Int?

    @Option(
        help: ArgumentHelp(
            "Jobs run at once, \(BenchPlan.concurrencyRange.text).", valueName: "n"))
    var concurrency = 500

    @Option(
        help: ArgumentHelp(
            "Rounds whose median counts, \(BenchPlan.roundRange.text).", valueName: "n"))
    var rounds = 3

    @Option(
        help: ArgumentHelp(
            "Deliveries of target that are measured, \(BenchPlan.liveRange.text).",
            valueName: "n"))
    var live: Int = BenchPlan.usual.live

    @Option(
        help: ArgumentHelp(
            "Slots of target's worker, \(BenchPlan.concurrencyRange.text).", valueName: "n"))
    var slots: Int = BenchPlan.usual.slots

    @Option(
        help: ArgumentHelp(
            "Seconds that a delivery of target waits for a target that never answers, "
                + "\(BenchPlan.secondRange.text).", valueName: "n"))
    var hang: Int = BenchPlan.usual.hang

    @Option(
        name: .customLong("database-url"),
        help: ArgumentHelp(
            "Measure on this PostgreSQL instead of a private one, in a schema that is made and "
                + "dropped.", valueName: "url"))
    var databaseURL: String?

    @Option(
        name: .customLong("redis-url"),
        help: ArgumentHelp(
            "Measure on this Redis instead of a private one, under keys of the run's own.",
            valueName: "url"))
    var redisURL: String?

    @Option(help: ArgumentHelp("The schema that is made and dropped.", valueName: "name"))
    var schema = "tasq"

    func validate() throws {
        try check(jobs, "--jobs", BenchPlan.jobRange)
        try check(seconds, "--seconds", BenchPlan.secondRange)
        try check(rows, "--rows", BenchPlan.rowRange)
        try check(concurrency, "--concurrency", BenchPlan.concurrencyRange)
        try check(rounds, "--rounds", BenchPlan.roundRange)
        try check(live, "--live", BenchPlan.liveRange)
        try check(slots, "--slots", BenchPlan.concurrencyRange)
        try check(hang, "--hang", BenchPlan.secondRange)
        let longest = 63 - BenchServers.otherSuffix.utf8.count
        guard schema.utf8.count <= longest else {
            throw ValidationError("--schema must be at most \(longest) characters")
        }
    }

    private func check(_ value: Int?, _ option: String, _ range: ClosedRange<Int>) throws {
        if let value, !range.contains(value) {
            throw ValidationError("\(option) must be \(range.text)")
        }
    }

    func run() async throws {
        if list {
            for scenario in Scenario.allCases {
                let gap = String(repeating: " ", count: 11 - scenario.rawValue.count)
                try StandardOutput.line(scenario.rawValue + gap + scenario.summary)
            }
            return
        }
        let plan = BenchPlan(
            scenarios: scenarios.isEmpty ? Scenario.allCases : scenarios, jobs: jobs,
            seconds: seconds, rows: rows, concurrency: concurrency, rounds: rounds, live: live,
            slots: slots, hang: hang)
        let report = try await BenchRun(
            plan: plan,
            place: BenchServers.Place(
                databaseURL: databaseURL, redisURL: redisURL, schema: schema)
        ).run()
        if let svg {
            do {
                try Data(BenchChart(report.findings).text.utf8).write(to: URL(filePath: svg))
            } catch {
                throw Failure(.refused, "--svg: cannot write \(svg)")
            }
        }
        if json {
            try StandardOutput.line(report.json.text)
        } else {
            try StandardOutput.write(report.text(styled: Report.isStyled))
        }
    }
}

extension ClosedRange<Int> {
    /// As in `1 to 600`.
    var text: String { "\(lowerBound) to \(upperBound)" }
}
