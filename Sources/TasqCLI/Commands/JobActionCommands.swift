import ArgumentParser
import Tasq
import TasqPostgres

extension JobsCommand {
    /// `tasq jobs retry`.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Queue jobs again, or now.",
            discussion: """
                Takes jobs in error, cancelled or scheduled; with filters and no --status those in \
                error, with --retrying those that wait for their next attempt. A job whose \
                attempts are used up gets one more. One whose unique key another unfinished job \
                has taken is refused.
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var selection: JobSelection

        func run() async throws { try await selection.apply(.retry, global) }
    }

    /// `tasq jobs cancel`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call jobs off, waiting or running.",
            discussion: """
                Takes jobs that are scheduled, queued or executing. A running one is cancelled at \
                once and nothing of it is recorded any more; its handler's task is cancelled with \
                its worker's next heartbeat (worker.heartbeat, 2s).
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var selection: JobSelection

        func run() async throws { try await selection.apply(.cancel, global) }
    }

    /// `tasq jobs delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove jobs that are not running.",
            discussion: """
                Takes jobs in every status but executing. Their attempts go too, and their bodies \
                unless another job uses them; an event whose last job is deleted is forgotten, so \
                a redelivery of it runs again.
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var selection: JobSelection

        func run() async throws { try await selection.apply(.delete, global) }
    }
}

/// Which jobs to act on: ids, or all that match filters.
struct JobSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("The jobs; or use filters.", valueName: "id"))
    var ids: [String] = []

    @OptionGroup var filters: FilterOptions
    @OptionGroup var finders: FinderOptions

    @Flag(help: "Every job there is; needed when there is neither an id nor a filter.")
    var all = false

    @Flag(help: "Do not ask where the filters leave out no job, as --since 36500d may.")
    var yes = false

    @Flag(help: "Print how many jobs match and change nothing.")
    var dryRun = false

    @Flag(help: "Print JSON: one object a job, or one for all that match filters.")
    var json = false

    /// Acts on the jobs; exits with 1 when some of those named were refused.
    func apply(_ action: JobAction, _ global: GlobalOptions) async throws {
        let filter = try finders.filter(with: filters)
        guard ids.isEmpty else {
            guard filter == JobFilter(), !all, !dryRun else {
                throw Failure(
                    .usage, "give ids or filters, not both: filters pick jobs by themselves")
            }
            return try await apply(
                action, to: try ids.map { try jobID($0, field: "the id") }, global)
        }
        // Lists have these at hand; a walk would look at every job there is.
        if filter.isRetrying || filter.runningLongerThan != nil || filter.reason != nil {
            let filter = try listed(action, filter)
            let configuration = try global.load([.database, .redis])
            return try await Connections.with(configuration) { connections in
                try await BulkForeground(connections: connections, json: json)
                    .run(action, listed: filter, dryRun: dryRun)
            }
        }
        let request = try bulk(action, filter)
        let configuration = try global.load([.database, .redis])
        try await Connections.with(configuration) { connections in
            if !dryRun, !all, !yes, try await connections.store.takesAll(filter) {
                try Consent.ask(
                    "The filters leave out no job: \(action.rawValue) every job?",
                    else: "the filters leave out no job: give --yes to \(action.rawValue) "
                        + "every job, or a narrower filter")
            }
            try await BulkForeground(connections: connections, json: json)
                .run(request, dryRun: dryRun)
        }
    }

    /// The same filter with the status that it means, where that is one.
    private func listed(_ action: JobAction, _ filter: JobFilter) throws -> JobFilter {
        guard !all else {
            throw InvalidInput(field: "--all", "must not be given together with a filter")
        }
        var filter = filter
        if filter.isRetrying {
            filter.status = .scheduled
        } else if filter.runningLongerThan != nil {
            filter.status = .executing
        } else if action == .retry, filter.status == nil {
            filter.status = .error
        }
        if let status = filter.status, !action.statuses.contains(status) {
            throw Failure(
                .usage,
                "the filters find jobs in \(status.rawValue): \(action.rawValue) takes "
                    + action.statuses.map(\.rawValue).joined(separator: ", "))
        }
        return filter
    }

    private func bulk(_ action: JobAction, _ filter: JobFilter) throws -> BulkRequest {
        do {
            return try BulkRequest(action, filter, everything: all)
        } catch {
            let name = error.field == "filter" ? "a filter" : "--\(error.field)"
            let rule =
                error.field == "filter"
                ? "must be given, an id, or --all for every job" : error.rule
            throw InvalidInput(field: name, rule)
        }
    }

    private func apply(
        _ action: JobAction, to ids: [JobID], _ global: GlobalOptions
    ) async throws {
        let configuration = try global.load([.database, .redis])
        let answers = try await Connections.with(configuration) { connections in
            let queue = connections.queue
            let answers = try await queue.apply(action, to: ids)
            await queue.flush()
            return answers
        }
        var refusals: [String] = []
        for answer in answers {
            if json {
                try StandardOutput.line(
                    JSON.object([
                        "id": .text(answer.id), "result": .string(answer.result.word),
                        "status": .text(answer.result.status(after: action)?.rawValue),
                        "was": .text(answer.result.statusBefore?.rawValue),
                    ]).text)
            }
            if let refusal = answer.result.refusal(of: action) {
                refusals.append("job \(answer.id) \(refusal)")
            } else if !json {
                try StandardOutput.line("\(answer.id) \(answer.result.sentence(after: action))")
            }
        }
        guard refusals.isEmpty else {
            let isBusy = answers.allSatisfy {
                $0.result == .heldUp || $0.result.refusal(of: action) == nil
            }
            throw Failure(isBusy ? .tryAgain : .refused, refusals.joined(separator: "\n"))
        }
    }
}

extension JobActionResult {
    /// For programs.
    var word: String {
        switch self {
        case .done: "done"
        case .already: "already"
        case .wrongState: "wrong-state"
        case .keyTaken: "unique-key-taken"
        case .attemptsUsedUp: "attempts-used-up"
        case .heldUp: "busy"
        case .missing: "not-found"
        }
    }

    var statusBefore: JobStatus? {
        switch self {
        case .done(let status), .wrongState(let status): status
        default: nil
        }
    }

    /// Where the job stands now, as far as that is known.
    func status(after action: JobAction) -> JobStatus? {
        switch self {
        case .done, .already:
            switch action {
            case .retry: .queued
            case .cancel: .cancelled
            case .delete: nil
            }
        case .wrongState(let status): status
        default: nil
        }
    }

    /// What was done, for people.
    func sentence(after action: JobAction) -> String {
        let done =
            switch action {
            case .retry: "queued"
            case .cancel: "cancelled"
            case .delete: "deleted"
            }
        return statusBefore.map { "\(done) (was \($0.rawValue))" } ?? "\(done) already"
    }

    /// Why nothing was done; `nil` when it was.
    func refusal(of action: JobAction) -> String? {
        switch self {
        case .done, .already: nil
        case .missing: "is not there"
        case .wrongState(.executing) where action == .delete: "is executing: cancel it first"
        case .wrongState(let status):
            "is \(status.rawValue): \(action.rawValue) takes "
                + action.statuses.map(\.rawValue).joined(separator: ", ")
        case .keyTaken(let holder):
            "had a unique key that another unfinished job has taken: "
                + (holder.map { "wait for job \($0)" } ?? "wait for that one")
        case .attemptsUsedUp: "has had \(JobLimits.attemptNumber) attempts: enqueue it anew"
        case .heldUp: "is held by somebody's open transaction: try again"
        }
    }
}
