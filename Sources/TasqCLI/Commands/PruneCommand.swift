import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq prune`: deletes finished jobs that have been kept long enough, now.
struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete finished jobs that have been kept long enough; --dry-run counts them.",
        discussion: """
            Goes by retention of the configuration, as the worker or server with the maintenance term \
            does by itself, or by --older-than, which asks first, or wants --yes. Their attempts go \
            too, and their bodies unless another job uses them; an event whose last job is deleted is \
            forgotten, so a redelivery of it runs again. What is scheduled, queued or executing is \
            never touched. A job that somebody holds, or retries meanwhile, is passed over.
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
        let walk = try await Connections.with(configuration) { [retention] connections in
            try await walked(by: retention, in: connections.store)
        }
        if dryRun {
            try list(walk)
        } else {
            try report(walk)
        }
    }

    /// One whole round.
    private func walked(
        by retention: Retention, in store: PostgresStore
    ) async throws -> PruneWalk {
        let progress = Progress(isShown: StandardError.isTerminal)
        var walk = PruneWalk(retention, dryRun: dryRun)
        var isAtEnd = !retention.prunes
        do throws(StoreError) {
            while !isAtEnd {
                if case .end = try await walk.step(in: store) { isAtEnd = true }
                progress.show(
                    Progress.bar(walk.examined, of: walk.estimate)
                        + ", \(walk.total) \(dryRun ? "to prune" : "pruned")")
            }
        } catch {
            progress.clear()
            let failure = Failure(error)
            guard !dryRun else { throw failure }
            throw Failure(
                failure.code,
                failure.text + "; \(walk.total) jobs are pruned, the same command goes on")
        }
        progress.clear()
        return walk
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
                    "passed_over": .int(walk.passedOver),
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
