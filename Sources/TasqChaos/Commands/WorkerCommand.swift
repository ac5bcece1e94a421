import ArgumentParser
import FoundationEssentials
import Logging
import ServiceLifecycle
import Tasq
import TasqPostgres
import TasqRedis
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `tasq-chaos worker`: a program that embeds the library's worker and logs every run. Started by
/// the other commands, with the environment that `tasq work` takes.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "A worker that logs its runs; started by the others.",
        shouldDisplay: false)

    @Option(help: "The execution log to add to.")
    var log: String

    @Option(help: "The name of this process in the log.")
    var name: String

    @Option(help: "Jobs run at once.")
    var concurrency: Int

    @Option(help: "A known mistake to put back into the statements.")
    var mistake: Mistake?

    @Flag(help: "Lead whoever else does.")
    var leads = false

    func run() async throws {
        let logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        let environment = ProcessInfo.processInfo.environment
        let log = try EventLog(at: log, process: name)
        let mistake = mistake
        let leads = leads
        let store = PostgresStore(
            try PostgresSettings(url: environment["DATABASE_URL"] ?? ""), logger: logger,
            editing: { statement in
                let edited = mistake?.edit(statement) ?? statement
                return leads ? SharedTerm.edit(edited) : edited
            })
        let announcer = RedisAnnouncer(
            try RedisSettings(url: environment["REDIS_URL"] ?? ""), logger: logger)
        let worker = Worker(
            store: store, announcer: announcer, handlers: try handlers(log),
            settings: try settings(environment), logger: logger,
            onEvent: { event in
                switch event {
                case .lost(let job): log.write(Event(kind: .lost, job: job.description))
                case .stuck: _exit(70)
                case .revoked, .reaped: break
                }
            })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            await announcer.close()
            await store.close()
            throw error
        }
        await announcer.close()
        await store.close()
    }

    private func settings(_ environment: [String: String]) throws -> WorkerSettings {
        func duration(_ name: String, _ usual: Duration) throws -> Duration {
            guard let text = environment[name] else { return usual }
            return try DurationText.parse(text, field: name)
        }
        return try WorkerSettings(
            queues: ["default", "second"].map { WorkerSettings.QueueShare(try Name($0)) },
            concurrency: concurrency,
            heartbeat: try duration("TASQ_WORKER_HEARTBEAT", .seconds(2)),
            lease: try duration("TASQ_WORKER_LEASE", .seconds(15)),
            grace: try duration("TASQ_WORKER_GRACE", .seconds(25)),
            onLeaseUnknown: environment["TASQ_WORKER_ON_LEASE_UNKNOWN"]
                .flatMap { LeaseUnknown(rawValue: $0) } ?? .continue,
            host: name, processID: ProcessInfo.processInfo.processIdentifier, version: "chaos")
    }

    private func handlers(_ log: EventLog) throws -> HandlerTable {
        let deeds = Deeds(log: log)
        var table = HandlerTable()
        let retry = RetryPolicy(base: .milliseconds(200), cap: .seconds(1))
        try table.add(
            "*",
            Handler(retry: retry) { context in
                let job = context.job
                guard let deed = JobShape.Deed(rawValue: job.kind.description) else {
                    throw Outcome.fail("no such deed")
                }
                let body = try JSONDecoder().decode(
                    JobShape.Body.self, from: Data(job.payload.body))
                try await deeds.run(
                    Deeds.Attempt(
                        deed: deed, body: body, job: job.id.description,
                        claim: job.claim.description, number: job.attempt))
            })
        return table
    }
}
