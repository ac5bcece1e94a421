import ArgumentParser
import FoundationEssentials
import Tasq
import TasqTesting

/// `tasq dev`: everything on this computer, with private servers, on loopback.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run everything here: private PostgreSQL and Redis, a server, two workers.",
        discussion: """
            Data and logs stay in .tasq/ between runs. Ctrl-C stops everything that was started. \
            Without a configuration of yours a sample counts, which logs every job. \
            With --demo signed sample webhooks come in all the time; --once runs the demo to its \
            end on data of its own and exits 0 only if nothing was lost or run twice.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Send signed sample webhooks to a receiving endpoint.")
    var demo = false

    @Flag(help: "Run the demo to its end, print a summary and stop.")
    var once = false

    @Option(help: ArgumentHelp("The ingest port; admin is the next one.", valueName: "n"))
    var port: String?

    /// Where data and logs live.
    static let directory = ".tasq"

    func run() async throws {
        var plan = DevServers.Plan(
            directory: FileManager.default.currentDirectoryPath + "/" + Self.directory,
            isKept: !once, configuration: nil, ingestPort: 0, adminPort: 0)
        if let port {
            plan.ingestPort = try flag("--port", port) { try number($0, in: 1...65_534) }
            plan.adminPort = plan.ingestPort + 1
        }
        plan.flags =
            (global.logLevel.map { ["--log-level", $0] } ?? [])
            + (global.logFormat.map { ["--log-format", $0] } ?? [])
        let lock = try DevLock(in: plan.directory)
        defer { lock.release() }
        let session = DevSession(signals: TerminationSignals(patience: 1))
        do {
            if demo || once {
                try await session.demo(plan, once: once)
            } else {
                // Tells the file's mistakes before anything is started.
                plan.schema = try global.load([.sources, .handlers]).schema
                let environment = ProcessInfo.processInfo.environment
                plan.configuration = global.file ?? environment["TASQ_CONFIG"]
                let ownFile = Configuration.defaultPath
                if plan.configuration == nil, !FileManager.default.fileExists(atPath: ownFile) {
                    plan.configuration = try session.writeSample(in: plan.directory)
                    plan.isSample = true
                }
                plan.environment = environment.filter { $0.key.hasPrefix("TASQ_") }
                plan.environment["TASQ_CONFIG"] = nil
                try await session.run(plan)
            }
        } catch let error as TestingError {
            throw Failure(.unavailable, error.description)
        }
    }
}
