import Tasq

/// What keeps jobs waiting, or out of a queue, although slots are free.
extension Dashboard {
    /// Limits shown at most.
    private static let limitsShown = 1000

    func heldBack() async throws(Problem) -> Page {
        let look = try await read { () async throws(StoreError) in try await catalog.putOff() }
        let limits = try await read { () async throws(StoreError) in
            try await queue.limits(upTo: Self.limitsShown)
        }
        let looked: Markup =
            look.hasMore
            ? "Of the scheduled jobs the \(PutOffLook.jobLimit) that are due first were looked at; there is more."
            : "All scheduled jobs were looked at."
        let rest: Markup =
            limits.count < Self.limitsShown
            ? "" : "<p class=\"dim\"><code>tasq limits list</code> has them all.</p>"
        return Page(title: "Held back") {
            """
            <h1>Held back</h1><h2>Jobs that were put off</h2>\(Self.table(of: look.groups))
            <p class="dim">A target that fails is held back by each worker process for itself: what a process knows of it
            stands in its memory, how many it holds back in its metrics. \(looked)</p>
            <h2>Limits of queues</h2>\(Self.table(of: limits))\(rest)
            <p class="dim">A queue over its limit takes no further jobs. One that is paused stands among the
            <a href="/queues">queues</a>.</p>
            """
        }
    }

    private static func table(of groups: [PutOffJobs]) -> Markup {
        table(
            ["~Held back", "State", "#Jobs", "First due", "Last due", "Since", "~Queues", "~Why"],
            groups.map { group -> [Markup] in
                [
                    "\(group.target)", state(of: group), "\(group.jobs)", moment(group.nextAt),
                    moment(group.lastAt), "\(group.since.map { moment($0) })",
                    "\(group.queues.map(\.description).joined(separator: ", "))",
                    "\(group.reason)",
                ]
            }, empty: "No job waits because it was put off.")
    }

    private static func state(of group: PutOffJobs) -> Markup {
        switch group.state {
        case .failing: "<span class=\"error\">fails: one at a time tries</span>"
        case .silent: "<span class=\"paused\">gives no answer</span>"
        case .recovering: "<span class=\"executing\">recovers</span>"
        case nil: "asks for patience"
        }
    }

    private static func table(of limits: [LimitStanding]) -> Markup {
        table(
            ["Queue", "State", "#Waiting", "#At most", "#Oldest wait", "#At longest", "Set"],
            limits.map { standing -> [Markup] in
                let (name, limit) = (standing.limit.queue, standing.limit)
                let state: Markup =
                    standing.isRefusing ? "<span class=\"paused\">refuses jobs</span>" : "open"
                return [
                    "<a href=\"/jobs?status=queued&amp;queue=\(name)\">\(name)</a>", state,
                    "\(standing.level)", "\(limit.maxDepth)", "\(standing.oldestWait.map(short))",
                    "\(limit.maxAge.map(DurationText.format))", moment(standing.updatedAt),
                ]
            }, empty: "No queue has a limit.")
    }
}
