import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq migrate`: brings the schema up to date.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the schema up to date; safe to run again.",
        discussion: """
            Forward only. Several may run at once: one applies, the others wait for it.

            A migration that does not get a lock at once lets the work pass, says who holds it and is \
            tried again until --patience is over; then it exits 75 with nothing of that migration done.

            --grant gives a role what it needs, now and after every later migration: an enqueuer (the \
            default) may call tasq.enqueue and nothing else, a worker runs work, serve and enqueue, an \
            operator looks at everything and acts on jobs and queues.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Say which migrations are applied and change nothing; exit 1 when some are not.")
    var status = false

    @Flag(help: "Say what would be applied and change nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Grant a role the rights of enqueuer, worker or operator; may be repeated.",
            valueName: "role[:rights]"))
    var grant: [String] = []

    @Option(
        help: ArgumentHelp("How long a migration tries to get its locks.", valueName: "duration"))
    var patience = "10m"

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if !grant.isEmpty, status || dryRun {
            throw ValidationError("--grant changes something: not with --status or --dry-run")
        }
    }

    func run() async throws {
        let grants = try grant.map { text in
            try flag("--grant", text) { text throws(InvalidInput) in try Grant(text) }
        }
        let patience = try flag("--patience", patience) { text in try duration(text) }
        let configuration = try global.load(.database)
        try await Connections.with(configuration) { connections in
            if status || dryRun {
                try await look(at: connections.store)
                return
            }
            let applied = try await connections.store.migrate(patience: patience) {
                StandardError.line("tasq: \(LineLog.oneLine($0))")
            }
            try await connections.store.grant(grants)
            guard !json else {
                return try StandardOutput.line(
                    JSON.object(["applied": .array(applied.map { .string($0) })]).text)
            }
            for name in applied { try StandardOutput.line("applied \(name)") }
            if applied.isEmpty {
                let (current, newest, _, _) = try await connections.store.migrator.status()
                try StandardOutput.line(current > newest ? Self.isNewer : "up to date")
            }
        }
    }

    /// Said of a schema that breaks nothing this program knows.
    private static let isNewer = "newer than this program, which works on it"

    /// Tells what stands and what is to do. With `--status` a schema that is not current fails.
    private func look(at store: PostgresStore) async throws {
        let (current, newest, pending, oldest) = try await store.migrator.status()
        if json {
            try StandardOutput.line(
                JSON.object([
                    "version": .int(current), "newest": .int(newest), "oldest": .int(oldest),
                    "pending": .array(pending.map { .string($0.name) }),
                ]).text)
        } else {
            if status {
                try StandardOutput.line("version \(current), this program knows \(newest)")
            }
            for migration in pending {
                try StandardOutput.line("\(dryRun ? "would apply" : "pending") \(migration.name)")
            }
        }
        if oldest > newest {
            throw Failure(
                .misconfigured, "the schema is newer than this program: install a newer tasq")
        }
        if pending.isEmpty {
            if !json { try StandardOutput.line(current > newest ? Self.isNewer : "up to date") }
        } else if status {
            throw Failure(.refused, "\(pending.count) pending: run `tasq migrate`")
        }
    }
}
