import Tasq

extension Dashboard {
    /// What the charts cover, and in how many steps.
    private static let span = Duration.seconds(900)
    private static let steps = 60
    /// Jobs the charts are drawn from, the newest.
    private static let chartJobs = 20_000

    func overview() async throws(Problem) -> Page {
        let bucket = Self.span / Self.steps
        let start = Timestamp(
            microseconds: Timestamp.now.microseconds - Self.span.inMicroseconds)
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        let recent = try await read { () async throws(StoreError) in
            try await catalog.recent(since: start, bucket: bucket, limit: Self.chartJobs)
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
            <div class="grid charts">\(Self.charts(recent, bucket))</div>
            <p class="dim">The last 15 minutes, of the \(Self.chartJobs) newest jobs enqueued in them.</p>
            <h2>Queues</h2>\(Self.table(of: queues))
            """
        }
    }

    private static func card(_ name: String, _ value: some CustomStringConvertible) -> Markup {
        "<div class=\"card\"><b>\(value)</b><span>\(name)</span></div>"
    }

    private static func charts(_ recent: [RecentBucket], _ bucket: Duration) -> Markup {
        let seconds = bucket / .seconds(1)
        var (enqueued, finished, depth) = ([Double](), [Double](), [Double]())
        var (median, slow) = ([Double?](), [Double?]())
        let byIndex = Dictionary(recent.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
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
                lines: [.init(name: "finished", values: finished), .init(name: "enqueued", values: enqueued)]
            ).markup)
            \(Chart(
                title: "Pickup latency", unit: "ms",
                lines: [.init(name: "median", values: median), .init(name: "95th percentile", values: slow)]
            ).markup)
            \(Chart(
                title: "Unfinished", unit: "jobs", lines: [.init(name: "enqueued, not finished", values: depth)]
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
                    <td class="id">\(worker.id)</td><td>\(worker.host)</td>
                    <td class="num">\(worker.processID)</td>
                    <td class="wrap">\(worker.queues.map(\.description).joined(separator: ", "))</td>
                    <td class="num">\(standing.executing) / \(worker.concurrency)</td>
                    <td>\(worker.version)</td><td>\(Self.plain(standing.startedAt))</td><td>\(Self.plain(standing.seenAt))</td>
                    """
            }
            return """
                <h1>Workers</h1>\(Self.table(
                    ["Worker", "Host", "#Pid", "Queues", "#Busy", "Version", "Since", "Seen"], rows,
                    empty: "No worker is registered."))
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
