import Tasq

extension Dashboard {
    /// What the charts cover at most, and in how many steps.
    private static let span = Duration.seconds(900)
    private static let steps = 60
    /// Jobs the charts are drawn from, the newest; busy charts cover less time.
    private static let chartJobs = 20_000

    func overview() async throws(Problem) -> Page {
        let start = Timestamp(
            microseconds: Timestamp.now.microseconds - Self.span.inMicroseconds)
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        let recent = try await read { () async throws(StoreError) in
            try await catalog.recent(since: start, buckets: Self.steps, limit: Self.chartJobs)
        }
        let slots = workers.reduce(0) { $0 + $1.worker.concurrency }
        let oldest = queues.compactMap(\.oldestWait).max()
        return Page(title: "Overview") {
            """
            <h1>Overview</h1><div class="grid">
            \(Self.card("queued", queues.reduce(0) { $0 + $1.queued }))
            \(Self.card("executing", queues.reduce(0) { $0 + $1.executing }))
            \(Self.card("scheduled", queues.reduce(0) { $0 + $1.scheduled }))
            \(Self.card("workers", workers.count))\(Self.card("slots", slots))
            \(Self.card("longest wait", oldest.map(Self.short) ?? "–"))</div>
            <div class="grid charts">\(Self.charts(recent))</div>
            <p class="dim">Drawn from the newest \(Self.chartJobs) jobs, and no further back than 15 minutes.</p>
            <h2>Queues</h2>\(Self.table(of: queues))
            """
        }
    }

    private static func card(_ name: String, _ value: some CustomStringConvertible) -> Markup {
        "<div class=\"card\"><b>\(value)</b><span>\(name)</span></div>"
    }

    private static func charts(_ recent: RecentHistory) -> Markup {
        let seconds = recent.span / .seconds(steps)
        let start = short(recent.span) + " ago"
        var (enqueued, finished, depth) = ([Double](), [Double](), [Double]())
        var (median, slow) = ([Double?](), [Double?]())
        let byIndex = Dictionary(recent.buckets.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        var waiting = 0
        for index in 0..<steps {
            let found = byIndex[index]
            waiting += (found?.enqueued ?? 0) - (found?.finished ?? 0)
            enqueued.append(Double(found?.enqueued ?? 0) / seconds)
            finished.append(Double(found?.finished ?? 0) / seconds)
            depth.append(Double(max(0, waiting)))
            median.append(found?.median.map { $0 / .milliseconds(1) })
            slow.append(found?.slow.map { $0 / .milliseconds(1) })
        }
        return """
            \(Chart(
                title: "Throughput", unit: "jobs/s",
                lines: [.init(name: "finished", values: finished), .init(name: "enqueued", values: enqueued)],
                start: start
            ).markup)
            \(Chart(
                title: "Pickup latency", unit: "ms",
                lines: [.init(name: "median", values: median), .init(name: "95th percentile", values: slow)],
                start: start
            ).markup)
            \(Chart(
                title: "Unfinished", unit: "jobs", lines: [.init(name: "enqueued, not finished", values: depth)],
                start: start
            ).markup)
            """
    }

    func queues() async throws(Problem) -> Page {
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        return Page(title: "Queues") { "<h1>Queues</h1>\(Self.table(of: queues))" }
    }

    private static func table(of queues: [QueueRecord]) -> Markup {
        table(
            ["Queue", "State", "#Scheduled", "#Queued", "#Executing", "#Oldest wait"],
            queues.map { queue in
                """
                <td><a href="/jobs?queue=\(queue.name)">\(queue.name)</a></td>
                <td class="\(queue.isPaused ? "paused" : "")">\(queue.isPaused ? "paused" : "open")</td>
                <td class="num">\(queue.scheduled)</td><td class="num">\(queue.queued)</td>
                <td class="num">\(queue.executing)</td>
                <td class="num">\(queue.oldestWait.map(short))</td>
                """
            }, empty: "Nothing is unfinished.")
    }

    func workers() async throws(Problem) -> Page {
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        return Page(title: "Workers") {
            let rows = workers.map { standing -> Markup in
                let worker = standing.worker
                return """
                    <td>\(Self.id(worker.id))</td><td>\(worker.host)</td>
                    <td class="num">\(worker.processID)</td>
                    <td class="num">\(standing.executing) / \(worker.concurrency)</td>
                    <td class="wrap">\(worker.queues.map(\.description).joined(separator: ", "))</td>
                    <td>\(worker.version)</td><td>\(Self.plain(standing.startedAt))</td><td>\(Self.plain(standing.seenAt))</td>
                    """
            }
            return """
                <h1>Workers</h1>\(Self.table(
                    [
                        "Worker", "Host", "#Pid", "#Busy", "Queues", "Version", "Since (UTC)",
                        "Seen (UTC)",
                    ], rows,
                    empty: "No worker is registered."))
                <p class="dim">This server's numbers and the tables' are at <a href="/metrics">/metrics</a>; a
                worker serves its own where its setting worker.metrics says.</p>
                """
        }
    }

    /// A table; a heading that begins with # is one of numbers.
    static func table(_ headings: [String], _ rows: [Markup], empty: String) -> Markup {
        guard !rows.isEmpty else {
            return "<div class=\"table\"><p class=\"empty\">\(empty)</p></div>"
        }
        return """
            <div class="table"><table><thead><tr>\(Markup(each: headings) { heading in
                heading.hasPrefix("#")
                    ? "<th class=\"num\">\(String(heading.dropFirst()))</th>" : "<th>\(heading)</th>"
            })</tr></thead><tbody>\(Markup(each: rows) { "<tr>\($0)</tr>" })</tbody></table></div>
            """
    }

    /// A time to the second, in UTC, without its letters.
    static func plain(_ time: Timestamp) -> String {
        time.description.prefix(19).split(separator: "T").joined(separator: " ")
    }

    /// The same where no heading says that it is UTC.
    static func utc(_ time: Timestamp) -> String { plain(time) + " UTC" }

    /// An id, of which a narrow screen shows the end: ids of one moment all begin alike.
    static func id(_ id: some CustomStringConvertible) -> Markup {
        let (start, end) = (id.description.prefix(24), id.description.dropFirst(24))
        return """
            <span class="id"><span class="start">\(start)</span><span class="end">\(end)</span></span>
            """
    }

    /// A length of time in its largest unit.
    static func short(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        switch seconds {
        case ..<1: return "\(number(seconds * 1000)) ms"
        case ..<120: return "\(number(seconds)) s"
        case ..<7200: return "\(number(seconds / 60)) min"
        case ..<172_800: return "\(number(seconds / 3600)) h"
        default: return "\(number(seconds / 86_400)) d"
        }
    }
}
