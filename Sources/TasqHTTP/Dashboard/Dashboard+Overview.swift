import Tasq

extension Dashboard {
    /// What the charts cover, and in how many steps.
    private static let span = Duration.seconds(900)
    private static let steps = 60
    /// Kinds of queues whose failures the overview tells, at most.
    private static let failingKinds = 50

    func overview(_ visit: Visit) async throws(Problem) -> Page {
        let glance = try await read { () async throws(StoreError) in try await catalog.glance() }
        let start = Timestamp(
            microseconds: glance.asOf.microseconds - Self.span.inMicroseconds)
        let tallies = try await read { () async throws(StoreError) in
            // One more, for the first difference.
            try await catalog.tallies(
                since: Timestamp(microseconds: start.microseconds - 60_000_000))
        }
        let queues = glance.queues
        let slots = glance.workers.reduce(0) { $0 + $1.worker.concurrency }
        let oldest = queues.compactMap(\.oldestWait).max()
        let queued = queues.reduce(0) { $0 + $1.queued }
        let scheduled = queues.reduce(0) { $0 + $1.scheduled }
        let executing = queues.reduce(0) { $0 + $1.executing }
        let failures = queues.flatMap(\.failures)
        let (moreQueued, moreScheduled) = (
            queues.contains { $0.hasMoreQueued }, queues.contains { $0.hasMoreScheduled }
        )
        return Page(title: "Overview") {
            """
            <h1>Overview</h1><div class="grid">
            \(Self.card("failed", failures.errorsText, to: "status=error"))
            \(Self.card("retrying", failures.retryingText, to: "retrying=true"))
            \(Self.card("queued", "\(queued)\(moreQueued ? "+" : "")", to: "status=queued"))
            \(Self.card("executing", executing, to: "status=executing"))
            \(Self.card("scheduled", "\(scheduled)\(moreScheduled ? "+" : "")", to: "status=scheduled"))
            \(Self.card("workers", glance.workers.count))\(Self.card("slots", slots))
            \(Self.card("longest wait", oldest.map(Self.short) ?? "–"))</div>
            <div class="grid charts">\(Self.charts(tallies + [Tally(glance)], from: start, to: glance.asOf))</div>
            <p class="dim">Times are in UTC. Drawn from sums that are noted every 15 seconds, as long as a worker or
            a server runs.</p>
            <h2>Queues</h2>\(Self.table(of: queues, for: visit))\(Self.failures(on: queues))
            """
        }
    }

    /// For whom jobs fail, by queue and kind: what failed most within the last hour first. Numbers
    /// lead to the jobs they count, from where one action retries them.
    private static func failures(on queues: [QueueRecord]) -> Markup {
        let all = queues.flatMap { queue in queue.failures.map { (queue: queue.name, of: $0) } }
        guard !all.isEmpty else { return "" }
        let worst = all.sorted { one, other in
            (one.of.errorsOfHour, one.of.errors, one.of.retrying)
                > (other.of.errorsOfHour, other.of.errors, other.of.retrying)
        }
        let rows = worst.prefix(failingKinds).map { entry -> [Markup] in
            let (queue, failures) = (entry.queue, entry.of)
            return [
                "\(failures.kind)", "\(queue)",
                link(failures.errorsText, "status=error", queue, failures.kind),
                "\(failures.errorsOfHourText)", "\(failures.errorsOfDayText)",
                link(failures.retryingText, "retrying=true", queue, failures.kind),
            ]
        }
        let headings = ["Kind", "Queue", "#Error", "#Last hour", "#Last day", "#Retrying"]
        let rest = all.count - rows.count
        let more: Markup =
            rest > 0
            ? "<p class=\"dim\">And \(rest) more: <code>tasq queues list</code> has them.</p>" : ""
        return "<h2>Failures by kind</h2>\(table(headings, rows, empty: ""))\(more)"
    }

    private static func card(_ name: String, _ value: some CustomStringConvertible) -> Markup {
        "<div class=\"card\"><b>\(value)</b><span>\(name)</span></div>"
    }

    /// One that leads to the jobs it counts; what failed and what is tried again stands out.
    private static func card(
        _ name: String, _ value: some CustomStringConvertible, to query: String
    ) -> Markup {
        let isBad = ["status=error", "retrying=true"].contains(query)
        let style = isBad && value.description != "0" ? "error" : "calm"
        return """
            <a class="card \(style)" href="/jobs?\(query)"><b>\(value)</b><span>\(name)</span></a>
            """
    }

    /// Each step shows the difference between the two tallies around its middle, or nothing where
    /// there are none, or where PostgreSQL's sums began anew between them.
    private static func charts(
        _ tallies: [Tally], from start: Timestamp, to end: Timestamp
    ) -> Markup {
        var lines = [[Double?]](repeating: Array(repeating: nil, count: steps), count: 6)
        let width = span.inMicroseconds / Int64(steps)
        for (earlier, later) in zip(tallies, tallies.dropFirst()) {
            let (was, sums) = (earlier.totals, later.totals)
            let seconds = Double(later.at.microseconds - earlier.at.microseconds) / 1_000_000
            guard seconds > 0 else { continue }
            let hasGrown =
                sums.enqueued >= was.enqueued && sums.ended >= was.ended
                && sums.failed >= was.failed
            for step in 0..<steps {
                let middle = start.microseconds + width * Int64(step) + width / 2
                guard middle > earlier.at.microseconds, middle <= later.at.microseconds else {
                    continue
                }
                if hasGrown {
                    lines[0][step] = Double(sums.ended - was.ended) / seconds
                    lines[1][step] = Double(sums.enqueued - was.enqueued) / seconds
                    lines[2][step] = Double(sums.failed - was.failed) / seconds
                }
                lines[3][step] = later.medianWait.map { $0 / .milliseconds(1) }
                lines[4][step] = later.slowWait.map { $0 / .milliseconds(1) }
                lines[5][step] = Double(later.unfinished)
            }
        }
        func chart(
            _ title: String, _ unit: String, _ names: KeyValuePairs<String, Int>,
            isBad: Bool = false
        ) -> Markup {
            Chart(
                title: title, unit: unit,
                lines: names.map { .init(name: $0.key, values: lines[$0.value], isBad: isBad) },
                start: start, end: end
            ).markup
        }
        return """
            \(chart("Throughput", "/s", ["runs ended": 0, "jobs enqueued": 1]))
            \(chart("Failures", "/s", ["runs that failed": 2], isBad: true))
            \(chart("Pickup latency", "ms", ["median": 3, "99th percentile": 4]))
            \(chart("Unfinished", "jobs", ["scheduled, queued and executing": 5]))
            """
    }

    func queues(_ visit: Visit) async throws(Problem) -> Page {
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        return Page(title: "Queues") { "<h1>Queues</h1>\(Self.table(of: queues, for: visit))" }
    }

    private static func table(of queues: [QueueRecord], for visit: Visit) -> Markup {
        table(
            [
                "Queue", "State", "#Scheduled", "#Queued", "#Executing", "#Oldest wait",
                "#Retrying", "#Error",
            ] + (visit.mayAct ? ["Action"] : []),
            queues.map { queue -> [Markup] in
                let state: Markup = queue.isPaused ? "<span class=\"paused\">paused</span>" : "open"
                var cells: [Markup] = [
                    "<a href=\"/jobs?queue=\(queue.name)\">\(queue.name)</a>", state,
                    "\(queue.scheduledText)", "\(queue.queuedText)", "\(queue.executing)",
                    "\(queue.oldestWait.map(short))",
                    link(queue.failures.retryingText, "retrying=true", queue.name),
                    link(queue.failures.errorsText, "status=error", queue.name),
                ]
                if visit.mayAct { cells.append(action(on: queue)) }
                return cells
            }, empty: "Nothing is unfinished, and nothing has failed.")
    }

    /// A number of failures that leads to the jobs it counts, unless there is none.
    private static func link(
        _ count: String, _ query: String, _ queue: Name, _ kind: Name? = nil
    ) -> Markup {
        guard count != "0" else { return "0" }
        let rest: Markup = kind.map { "&amp;kind=\($0)" } ?? ""
        return """
            <a class="error" href="/jobs?\(query)&amp;queue=\(queue)\(rest)">\(count)</a>
            """
    }

    func workers() async throws(Problem) -> Page {
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        let rows = workers.map { standing -> [Markup] in
            let worker = standing.worker
            let queues = worker.queues.map(\.description).joined(separator: ", ")
            return [
                Self.brief(worker.id), "\(worker.host)", "\(worker.processID)",
                "\(standing.executing) / \(worker.concurrency)", "\(queues)", "\(worker.version)",
                Self.moment(standing.startedAt), Self.moment(standing.seenAt),
            ]
        }
        let headings = ["Worker", "Host", "#Pid", "#Busy", "~Queues", "Version", "Since", "Seen"]
        return Page(title: "Workers") {
            """
            <h1>Workers</h1>\(Self.table(headings, rows, empty: "No worker is registered."))
            <p class="dim">This server's numbers and the tables' are at <a href="/metrics">/metrics</a>; a
            worker serves its own where its setting worker.listen says.</p>
            """
        }
    }
}
