import Tasq
import TasqPostgres

/// A bulk action as a command does it: here and now, with a progress bar.
///
/// Ctrl-C ends it between two statements' work; every batch before that is done, and the same
/// command goes on with the rest.
struct BulkForeground {
    let connections: Connections
    let json: Bool

    /// Jobs of a list that are asked for at once.
    private static let pageLength = 500

    func run(_ request: BulkRequest, dryRun: Bool) async throws {
        let queue = connections.queue
        let progress = Progress(isShown: StandardError.isTerminal)
        var walk = BulkWalk(request, dryRun: dryRun)
        do {
            while try await walk.step(queue) { progress.show(bar(walk)) }
        } catch {
            progress.clear()
            await queue.flush()
            throw Self.failure(error, after: walk.counts)
        }
        progress.clear()
        await queue.flush()
        try report(walk.counts, of: request.action, dryRun: dryRun)
    }

    /// Acts on the jobs that a list shows, the newest first: those that are tried again, that have run
    /// for long, or that failed with a text. One that comes while it goes on is left alone.
    func run(_ action: JobAction, listed filter: JobFilter, dryRun: Bool) async throws {
        let queue = connections.queue
        let progress = Progress(isShown: StandardError.isTerminal)
        var counts = BulkCounts()
        var place: JobCursor?
        do {
            repeat {
                try Task.checkCancellation()
                let page = try await connections.store.jobs(
                    matching: filter, after: place, limit: Self.pageLength)
                counts.examined += page.jobs.count
                counts.matched += page.jobs.count
                if !dryRun, !page.jobs.isEmpty {
                    let answers = try await queue.apply(action, to: page.jobs.map(\.id))
                    let changed = answers.count { $0.result.isDone }
                    counts.changed += changed
                    counts.passedOver += page.jobs.count - changed
                }
                place = page.next
                progress.show("\(counts.matched) match")
            } while place != nil
        } catch {
            progress.clear()
            await queue.flush()
            throw Self.failure(error, after: counts)
        }
        progress.clear()
        await queue.flush()
        try report(counts, of: action, dryRun: dryRun)
    }

    private static func failure(_ error: any Error, after counts: BulkCounts) -> Failure {
        let failure = Failure(error)
        return Failure(
            failure.code,
            failure.text + "; \(counts.changed) jobs are done, the same command goes on")
    }

    private func bar(_ walk: BulkWalk) -> String {
        Progress.bar(walk.counts.examined, of: walk.estimate)
            + ", \(walk.counts.matched) match"
    }

    private func report(
        _ counts: BulkCounts, of action: JobAction, dryRun: Bool
    ) throws {
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "action": .string(action.rawValue), "dry_run": .bool(dryRun),
                    "matched": .int(counts.matched), "changed": .int(counts.changed),
                    "passed_over": .int(counts.passedOver),
                ]).text)
        }
        if dryRun { return try StandardOutput.line("\(counts.matched) match") }
        let done =
            switch action {
            case .retry: "queued"
            case .cancel: "cancelled"
            case .delete: "deleted"
            }
        try StandardOutput.line(
            "\(counts.changed) \(done)"
                + (counts.passedOver > 0
                    ? ", \(counts.passedOver) passed over: their status or unique key did not allow it"
                    : ""))
    }
}
