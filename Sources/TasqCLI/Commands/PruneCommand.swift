import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq prune`: deletes finished jobs that have been kept long enough, now.
struct PruneCommand: AsyncParsableCommand {
    /// Jobs that PostgreSQL may refuse to delete before the rest is taken to be refused, too.
    private static let failuresBorne = 100

    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete finished jobs that have been kept long enough; --dry-run counts them.",
        discussion: """
            Goes by retention of the configuration, as the worker or server with the maintenance term \
            does by itself, or by --older-than, which asks first, or wants --yes. Their attempts go \
            too, and their bodies unless another job uses them; an event whose last job is deleted is \
            forgotten, so a redelivery of it runs again. What is scheduled, queued or executing is \
            never touched. A job that somebody holds, or retries meanwhile, is passed over; those that \
            PostgreSQL refuses to delete stay, the others go, and the exit code is 65.
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Only success, error or cancelled.", valueName: "status"))
    var status: String?

    @Option(help: ArgumentHelp("Only those of this queue.", valueName: "name"))
    var queue: String?

    @Option(
        help: ArgumentHelp(
            "Those that ended longer ago, as 30d, whatever the configuration says.",
            valueName: "duration"))
    var olderThan: String?

    @Flag(help: "Do not ask before --older-than deletes what the configuration may keep.")
    var yes = false

    @Flag(help: "Print what would go, by queue and status, and change nothing.")
    var dryRun = false

    @Flag(help: "Print JSON: one object, or in a dry run one for each queue and status.")
    var json = false

    func run() async throws {
        let status = try self.status.map { try finished($0, field: "--status") }
        let queue = try self.queue.map { try Name($0, field: "--queue") }
        let age = try olderThan.map { try DurationText.parse($0, field: "--older-than") }
        let configuration = try global.load([.database])
        var retention = configuration.retention
        if let age {
            retention = Retention(Retention.Ages(success: age, error: age, cancelled: age))
            if !dryRun, !yes {
                try Consent.ask(
                    "Delete what ended more than \(DurationText.format(age)) ago, "
                        + "whatever the configuration keeps?",
                    else: "--older-than deletes what the configuration may keep: count it with "
                        + "--dry-run, then give --yes")
            }
        }
        retention = retention.only(status, on: queue)
        guard retention.prunes || json else {
            return try StandardOutput.line(
                "nothing is pruned: the configuration keeps these for ever; give --older-than")
        }
        let (walk, refusal) = try await Connections.with(configuration) { [retention] connections in
            try await walked(by: retention, in: connections.store)
        }
        if dryRun { return try list(walk) }
        try report(walk)
        if let refusal {
            let failure = Failure(refusal)
            throw Failure(failure.code, "\(walk.failed) could not be deleted: " + failure.text)
        }
    }

    /// One whole round, and why the last of those could not be deleted that PostgreSQL would not delete.
    private func walked(
        by retention: Retention, in store: PostgresStore
    ) async throws -> (PruneWalk, StoreError?) {
        let progress = Progress(isShown: StandardError.isTerminal)
        var walk = PruneWalk(retention, dryRun: dryRun)
        var refusal: StoreError?
        var isAtEnd = !retention.prunes
        while !isAtEnd {
            let isDeletion = walk.isDeleting
            do throws(StoreError) {
                if case .end = try await walk.step(in: store) { isAtEnd = true }
            } catch {
                // With fewer jobs, and at last with one, the deletion comes to who is refused.
                if case .rejected = error, isDeletion, walk.failed < Self.failuresBorne {
                    refusal = error
                    continue
                }
                progress.clear()
                let failure = Failure(error)
                guard !dryRun else { throw failure }
                let rest =
                    refusal == nil
                    ? "the same command goes on"
                    : "\(walk.failed) could not be deleted, and the rest was not looked at"
                throw Failure(
                    failure.code, failure.text + "; \(walk.total) jobs are pruned, " + rest)
            }
            progress.show(
                Progress.bar(walk.examined, of: walk.estimate)
                    + ", \(walk.total) \(dryRun ? "to prune" : "pruned")")
        }
        progress.clear()
        return (walk, refusal)
    }

    private func list(_ walk: PruneWalk) throws {
        let rows = walk.counts.sorted {
            ($0.key.queue, $0.key.status.rawValue) < ($1.key.queue, $1.key.status.rawValue)
        }
        guard json || !rows.isEmpty else { return try StandardOutput.line("nothing to prune") }
        try Report.list(
            rows, json: json,
            columns: [
                .init(heading: "QUEUE"), .init(heading: "STATUS"),
                .init(heading: "JOBS", isNumber: true),
            ],
            cells: { row in
                [
                    .init(row.key.queue.description),
                    .init(row.key.status.rawValue, row.key.status.style),
                    .init(String(row.value)),
                ]
            },
            object: { row in
                JSON.object([
                    "queue": .text(row.key.queue), "status": .string(row.key.status.rawValue),
                    "jobs": .int(row.value),
                ])
            })
    }

    private func report(_ walk: PruneWalk) throws {
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "pruned": .int(walk.total), "success": .int(walk.count(of: .success)),
                    "error": .int(walk.count(of: .error)),
                    "cancelled": .int(walk.count(of: .cancelled)),
                    "passed_over": .int(walk.passedOver), "failed": .int(walk.failed),
                ]).text)
        }
        let counts = JobStatus.finished.map { "\(walk.count(of: $0)) \($0.rawValue)" }
        try StandardOutput.line(
            "\(walk.total) pruned: " + counts.joined(separator: ", ")
                + (walk.passedOver > 0
                    ? "; \(walk.passedOver) passed over: somebody held or retried them" : ""))
    }
}

/// Reads a status of jobs that are over.
private func finished(_ text: String, field: String) throws(InvalidInput) -> JobStatus {
    guard let status = JobStatus.finished.first(where: { $0.rawValue == text }) else {
        throw InvalidInput(
            field: field,
            "must be one of " + JobStatus.finished.map(\.rawValue).joined(separator: ", "))
    }
    return status
}
