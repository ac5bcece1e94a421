import Tasq

extension Dashboard {
    func job(_ visit: Visit) async throws(Problem) -> Page {
        guard let id = JobID(visit.id) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in
            try await catalog.circumstances(of: id)
        }
        guard let circumstances = found else { throw .notFound }
        let job = circumstances.job
        let attempts = try await read { () async throws(StoreError) in
            try await catalog.attempts(of: id)
        }
        return Page(title: "Job \(id)") {
            """
            <h1>\(job.kind) <span class="id">\(job.id)</span></h1>\(Self.actions(on: job, for: visit))
            \(Self.why(circumstances))<div class="card"><dl>
            <dt>Status</dt><dd class="\(job.status.rawValue)">\(job.status.rawValue)</dd>
            <dt>Queue</dt><dd><a href="/jobs?queue=\(job.queue)">\(job.queue)</a>, priority \(job.priority.level)</dd>
            <dt>Attempt</dt><dd>\(job.attempt) of \(job.maxAttempts)</dd>
            \(Self.row("Crashes", job.crashes > 0 ? job.crashes : nil))
            \(Self.row("Key", job.key))\(Self.row("Unique key", job.uniqueKey))
            \(Self.row("Enqueued", Self.utc(job.enqueuedAt)))\(Self.row("Due", Self.utc(job.runAt)))
            \(Self.row("Claimed", job.claimedAt.map(Self.utc)))
            \(Self.row("Finished", job.finishedAt.map(Self.utc)))
            \(Self.row("Worker", job.worker.map { Self.id($0) }))\(Self.row("Reason", job.reason))
            \(Self.row("Event", Self.event(of: job)))</dl></div><h2>Recorded attempts</h2>\(Self.table(
                ["#Attempt", "Outcome", "Claimed", "Ended", "Worker", "~Reason"],
                attempts.map { attempt -> [Markup] in
                    [
                        "\(attempt.attempt)",
                        "<span class=\"\(attempt.outcome)\">\(attempt.outcome)</span>",
                        Self.moment(attempt.startedAt), Self.moment(attempt.endedAt),
                        "\(attempt.worker.map { Self.brief($0) })", "\(attempt.reason)",
                    ]
                }, empty: "None. A first attempt that succeeds leaves no record."))
            """
        }
    }

    /// The stored webhook it was made of; a job put in otherwise has a body of its own.
    private static func event(of job: JobRecord) -> Markup? {
        guard job.payloadID.description != job.id.description else { return nil }
        return "<a href=\"/events/\(job.payloadID)\">\(id(job.payloadID))</a>"
    }

    /// Why the job is not running, or what it is doing, as `tasq explain` says it.
    private static func why(_ circumstances: Circumstances) -> Markup {
        let explanation = Explanation(circumstances)
        // Names stand between backticks.
        let parts = explanation.sentence.split(separator: "`", omittingEmptySubsequences: false)
        let sentence = Markup(each: parts.enumerated()) { index, part in
            index % 2 == 1 ? "<code>\(part)</code>" : "\(part)"
        }
        return """
            <p class="card why" data-reason="\(explanation.reason.rawValue)">\(sentence)</p>
            """
    }
}
