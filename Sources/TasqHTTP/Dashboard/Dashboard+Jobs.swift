import Tasq

extension Dashboard {
    private static let pageLength = 50
    /// What the tabs of the list show, what wants a person first.
    private static let tabFilters = [
        JobFilter(), JobFilter(status: .error), retrying, JobFilter(status: .executing),
        JobFilter(status: .queued), JobFilter(status: .scheduled), JobFilter(status: .success),
        JobFilter(status: .cancelled),
    ]
    private static let retrying = JobFilter(isRetrying: true)

    func jobs(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: JobFilter.listParameters.union(["cursor"]))
        let filter = try JobFilter(ofList: query)
        let cursor = try Self.cursor(of: query) { JobCursor($0) }
        async let allQueues = Result(of: { () async throws(StoreError) in
            try await catalog.queues()
        })
        async let allKinds = Result(of: { () async throws(StoreError) in
            try await catalog.kinds(limit: Self.choices)
        })
        let page = try await read { () async throws(StoreError) in
            try await catalog.jobs(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let (queuesRead, kindsRead) = await (allQueues, allKinds)
        let queues = try await read { () async throws(StoreError) in try queuesRead.get() }
        let kinds = try await read { () async throws(StoreError) in try kindsRead.get() }
        let kept = visit.without("cursor")
        let next = Self.next(
            page.next.map { "/jobs?\(kept.isEmpty ? "" : kept + "&")cursor=\($0)" },
            searchedTo: page.jobs.count < Self.pageLength ? page.next?.time : nil)
        let none = kept.isEmpty ? "No job yet." : "No job is like that."
        let isNone = page.jobs.isEmpty && page.next == nil
        let tabs = Self.tabs(visit, filter, queues)
        let fields = try Self.fields(query, filter, queues, kinds)
        let workers = try await workers(of: page.jobs)
        let table = Self.table(
            of: page.jobs, on: workers, empty: isNone ? none : "None so far.")
        return Page(title: "Jobs") {
            """
            <h1>Jobs</h1>\(tabs)<div class="finders">
            <form class="filters" method="get" action="/jobs">\(fields)<button>Show</button>\(
                kept.isEmpty ? "" : "<a href=\"/jobs\">all jobs</a>" as Markup)</form>
            \(Self.finder)</div>\(Self.ranges(visit, filter))\(table)\(next)
            \(isNone ? "" as Markup : Self.bulkActions(on: filter, kept, for: visit))
            """
        }
    }

    /// A tab for each status, and for what is tried again. Numbers stand where no history has to be
    /// read for them, and where they are those of the list.
    private static func tabs(
        _ visit: Visit, _ filter: JobFilter, _ queues: [QueueRecord]
    ) -> Markup {
        let own = queues.filter { filter.queue == nil || filter.queue == $0.name }
        var others = filter
        others.status = nil
        others.queue = nil
        others.isRetrying = false
        let isCounted = others == JobFilter()
        let rest = visit.without("cursor", "status", "retrying", "running_longer_than")
        let links = Markup(each: tabFilters) { tab in
            let query = [tab.query, rest].filter { !$0.isEmpty }.joined(separator: "&")
            let target = query.isEmpty ? "/jobs" : "/jobs?" + query
            let count = isCounted ? Self.count(of: tab, in: own) : nil
            let isBad = (tab.status == .error || tab.isRetrying) && count != "0"
            let number: Markup = count.map { " <b>\($0)</b>" } ?? ""
            let isHere =
                tab.isRetrying == filter.isRetrying
                && (tab.isRetrying || tab.status == filter.status)
            return """
                <a href="\(target)" class="\(isBad ? "error" : "calm")"\
                \(isHere ? " aria-current=\"page\"" : "" as Markup)>\(tab.title)\(number)</a>
                """
        }
        return "<nav class=\"tabs\" aria-label=\"Status\">\(links)</nav>"
    }

    /// How many jobs of these queues a tab shows; `nil` where nobody has counted them.
    private static func count(of tab: JobFilter, in queues: [QueueRecord]) -> String? {
        if tab.isRetrying { return queues.flatMap(\.failures).retryingText }
        switch tab.status {
        case .error: return queues.flatMap(\.failures).errorsText
        case .executing: return "\(queues.reduce(0) { $0 + $1.executing })"
        case .queued:
            return text(
                of: queues.reduce(0) { $0 + $1.queued },
                isMore: queues.contains { $0.hasMoreQueued })
        case .scheduled:
            return text(
                of: queues.reduce(0) { $0 + $1.scheduled },
                isMore: queues.contains { $0.hasMoreScheduled })
        case .success, .cancelled, nil: return nil
        }
    }

    private static func text(of count: Int, isMore: Bool) -> String {
        "\(count)\(isMore ? "+" : "")"
    }

    /// Parameters with a field to see, and the one that a list begun anew has not.
    private static let shown: Set = ["queue", "kind", "key", "reason", "since", "until", "cursor"]

    /// What narrows the list, beside the tabs, whose choice is kept.
    private static func fields(
        _ query: Query, _ filter: JobFilter, _ queues: [QueueRecord], _ kinds: [Name]
    ) throws(Problem) -> Markup {
        let hidden = Markup(each: query.all.filter { !Self.shown.contains($0.name) }) { field in
            "<input type=\"hidden\" name=\"\(field.name)\" value=\"\(field.value)\">"
        }
        // As they were written: told anew a time would lose its last digits.
        let since = try query.value("since") { $0 }
        let until = try query.value("until") { $0 }
        return """
            \(hidden)\(field("queue", filter.queue?.description, of: queues.map(\.name)))
            \(field("kind", filter.kind?.description, of: kinds))\(field("key", filter.key))
            \(field("reason", filter.reason))
            \(field("since", since, "enqueued from"))\(field("until", until, "enqueued before"))
            """
    }

    /// A field for a time.
    private static func field(_ name: String, _ value: String?, _ label: String) -> Markup {
        """
        <label>\(label) <input name="\(name)" value="\(value ?? "")" placeholder="2026-11-23T19:20:00Z"></label>
        """
    }

    /// The way to a job or an event whose id is known.
    private static let finder: Markup = """
        <form class="filters" method="get" action="/find"><label>id of a job or an event
        <input name="id" required></label><button>Find</button></form>
        """

    /// Spans of time that are asked for most, by name and seconds.
    private static let spans: [(String, Int64)] = [
        ("15 min", 900), ("1 h", 3600), ("1 d", 86_400), ("7 d", 604_800),
    ]

    /// Links to what of the list was enqueued lately, so that nobody has to write a time.
    private static func ranges(_ visit: Visit, _ filter: JobFilter) -> Markup {
        let rest = visit.without("cursor", "since", "until")
        let now = Timestamp.now.microseconds
        let links = Markup(each: spans) { name, seconds in
            // From the beginning of its minute: the address stays the same for as long.
            let start = Timestamp(microseconds: now - seconds * 1_000_000)
            let since = "since=\(start.description.prefix(16)):00Z"
            let query = rest.isEmpty ? since : "\(rest)&\(since)"
            return "<a href=\"/jobs?\(query)\">\(name)</a>"
        }
        let all = rest.isEmpty ? "/jobs" : "/jobs?" + rest
        let isAll = filter.since == nil && filter.until == nil
        let end: Markup = isAll ? "" : "<a href=\"\(all)\">any time</a>"
        return """
            <nav class="ranges" aria-label="Time of enqueue"><span>Enqueued within</span>\(links)\(end)</nav>
            """
    }

    /// Leads to the page of whatever has this id.
    func find(_ visit: Visit) async throws(Problem) -> Answer {
        let query = try Query(visit.query, allowing: ["id"])
        // Blanks come along when a line is copied.
        let given = try query.value("id") { $0 } ?? ""
        let text = String(given.filter { !$0.isWhitespace })
        guard let job = JobID(text), let event = PayloadID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let isJob = try await read { () async throws(StoreError) in
            try await catalog.job(job) != nil
        }
        if isJob { return Self.moved(to: "/jobs/\(job)") }
        let isEvent = try await read { () async throws(StoreError) in
            try await catalog.event(event) != nil
        }
        if isEvent { return Self.moved(to: "/events/\(event)") }
        var problem = Problem.notFound
        problem.detail = "no job and no event has this id"
        throw problem
    }

    /// The workers that hold some of these jobs.
    func workers(of jobs: [JobRecord]) async throws(Problem) -> [WorkerID: WorkerRecord] {
        let rows = Set(jobs.compactMap(\.worker))
        guard !rows.isEmpty else { return [:] }
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        var found: [WorkerID: WorkerRecord] = [:]
        for row in rows { found[row] = workers.standing(of: row)?.worker }
        return found
    }

    static func table(
        of jobs: [JobRecord], on workers: [WorkerID: WorkerRecord], empty: String
    ) -> Markup {
        table(
            ["Job", "Kind", "Status", "When", "Queue", "#Attempt", "Enqueued", "~Reason"],
            jobs.map { job -> [Markup] in
                [
                    "<a href=\"/jobs/\(job.id)\">\(brief(job.id))</a>",
                    "<a href=\"/jobs?kind=\(job.kind)\">\(job.kind)</a>", text(of: job.status),
                    when(job, job.worker.flatMap { workers[$0] }),
                    "<a href=\"/jobs?queue=\(job.queue)\">\(job.queue)</a>",
                    "\(job.attempt) / \(job.maxAttempts)", moment(job.enqueuedAt),
                    "\(job.lastReason)",
                ]
            }, empty: empty)
    }

    /// Since when, or from when on, a job stands as it does; of one that runs also where.
    private static func when(_ job: JobRecord, _ worker: WorkerRecord?) -> Markup {
        switch job.status {
        case .scheduled, .queued: return "due \(moment(job.runAt))"
        case .executing:
            let place = worker.map { " on \($0.host) \($0.processID)" } ?? ""
            return "began \(job.claimedAt.map { moment($0) })\(place)"
        case .success, .error, .cancelled: return "ended \(job.finishedAt.map { moment($0) })"
        }
    }
}

extension JobFilter {
    /// What a tab of it is called.
    fileprivate var title: String { isRetrying ? "retrying" : status?.rawValue ?? "all" }

    /// What of a query it is made of, as a tab.
    fileprivate var query: String {
        isRetrying ? "retrying=true" : status.map { "status=\($0.rawValue)" } ?? ""
    }
}
