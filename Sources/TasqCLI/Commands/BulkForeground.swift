import Tasq
import TasqPostgres

/// A bulk action as a command does it: here and now, with a progress bar.
///
/// Ctrl-C ends it between two statements' work; every batch before that is done, and the same
/// command goes on with the rest.
struct BulkForeground {
    let connections: Connections
    let json: Bool

    /// Characters of the progress bar.
    private static let barWidth = 24

    func run(_ request: BulkRequest, dryRun: Bool) async throws {
        let queue = Queue(store: connections.store, announcer: connections.announcer)
        let progress = Progress(isShown: StandardError.isTerminal)
        var walk = BulkWalk(request, dryRun: dryRun)
        do {
            while try await walk.step(queue) { progress.show(bar(walk)) }
        } catch {
            progress.clear()
            await queue.flush()
            let failure = Failure(error)
            throw Failure(
                failure.code,
                failure.text + "; \(walk.counts.changed) jobs are done, the same command goes on")
        }
        progress.clear()
        await queue.flush()
        try report(walk.counts, of: request, dryRun: dryRun)
    }

    private func bar(_ walk: BulkWalk) -> String {
        let total = max(1, walk.estimate)
        let filled = min(Self.barWidth, walk.counts.examined * Self.barWidth / total)
        return "[" + String(repeating: "=", count: filled)
            + String(repeating: " ", count: Self.barWidth - filled)
            + "] \(walk.counts.examined) of about \(total) looked at, \(walk.counts.matched) match"
    }

    private func report(
        _ counts: BulkCounts, of request: BulkRequest, dryRun: Bool
    ) throws {
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "action": .string(request.action.rawValue), "dry_run": .bool(dryRun),
                    "matched": .int(counts.matched), "changed": .int(counts.changed),
                    "passed_over": .int(counts.passedOver),
                ]).text)
        }
        if dryRun { return try StandardOutput.line("\(counts.matched) match") }
        let done =
            switch request.action {
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
