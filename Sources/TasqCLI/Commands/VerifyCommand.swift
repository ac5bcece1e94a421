import ArgumentParser
import Logging
import Tasq
import TasqPostgres

/// `tasq verify`: what must never be, in the tables and between them and Redis.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the tables, and Redis against them; changes nothing.",
        discussion: """
            Prints a line for each violation and exits 1 if there is any. What seems wrong is looked \
            at again after a pause, so a system that works is clean while it works. Violations: \
            \(Violation.Kind.allCases.map(\.rawValue).joined(separator: ", ")). The \
            last is one with --ids alone: without, such ids are counted. Queues are counted when \
            somebody asks, so the only counts that can be wrong are of attempts.
            """)

    @OptionGroup var global: GlobalOptions

    @OptionGroup var looks: LookOptions

    @Flag(help: "Take each id in Redis that is not queued for a violation.")
    var ids = false

    @Flag(help: "Print one JSON object a violation, and one of what was looked at.")
    var json = false

    func run() async throws {
        let report = try await looks.report(global, namesIDs: ids) { $1 }
        for violation in report.violations {
            try StandardOutput.line(
                json
                    ? JSON.object([
                        "violation": .string(violation.kind.rawValue),
                        "subject": .string(violation.subject),
                        "text": .string(violation.kind.text),
                    ]).text
                    : "\(violation.kind.rawValue) \(violation.subject): \(violation.kind.text)")
        }
        if json {
            try StandardOutput.line(
                JSON.object([
                    "violations": .int(report.violations.count), "more": .bool(report.isCut),
                    "rows": .int(report.rows), "announced": .int(report.announced),
                    "waiting_to_be_dropped": .int(report.waitingToBeDropped),
                ]).text)
        }
        let looked =
            "\(report.rows) rows and \(report.announced) announced ids looked at"
            + (report.waitingToBeDropped > 0
                ? ", \(report.waitingToBeDropped) of them no longer queued: workers drop them in their turn"
                : "")
        guard report.violations.isEmpty else {
            throw Failure(
                .refused,
                "\(report.violations.count) violations\(report.isCut ? ", and more" : ""); \(looked)"
            )
        }
        if !json { try StandardOutput.line("no violation; \(looked)") }
    }
}

/// How `verify` and `repair` look.
struct LookOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long to wait for the second look.", valueName: "duration"))
    var pause = "5s"

    /// Looks twice, with progress on a terminal, and goes on with what was found.
    func report<Result: Sendable>(
        _ global: GlobalOptions, namesIDs: Bool = false,
        then: @Sendable (Connections, VerificationReport) async throws -> Result
    ) async throws -> Result {
        let pause = try flag("--pause", pause) { text in
            try duration(text, in: .zero ... .seconds(600))
        }
        let configuration = try global.load([.database, .redis])
        // What Redis refuses is thrown: the log would say it a second time.
        var logger = configuration.logger()
        if logger.logLevel > .debug { logger.logLevel = .critical }
        let progress = Progress(isShown: StandardError.isTerminal)
        defer { progress.clear() }
        return try await Connections.with(configuration, logger: logger) { connections in
            try await connections.store.requireCurrentSchema()
            let report = try await Verification(
                catalog: connections.store, store: connections.store,
                announcer: connections.announcer, pause: pause, namesIDs: namesIDs,
                progress: { progress.show($0) }
            ).run()
            progress.clear()
            return try await then(connections, report)
        }
    }
}
