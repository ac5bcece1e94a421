import Tasq

/// What is done with all jobs that match: they are counted first, then it is entered as
/// `POST /v1/bulk` does.
extension Dashboard {
    /// Pages of the walk over the jobs that a count takes, at most.
    private static let countedPages = 2
    /// Jobs of a status that are listed to be counted, at most.
    private static let listedJobs = 1000

    var bulkForms: [Route] {
        [
            page("/bulk", .operate) { visit async throws(Problem) in try await preview(visit) },
            form("/bulk", with: JobFilter.parameters.union(["action", "all", "id"])) {
                _, form async throws(Problem) in
                let isTicked = try form.value("all") { $0 } == "yes"
                let request = try Self.request(form, isTicked: isTicked)
                let given: BulkID? = try form.value("id") { BulkID($0) } ?? nil
                let id = given ?? BulkID()
                try await queue.start(id, .jobs(request), dryRun: false, by: runner)
                return "/bulk/\(id)"
            },
            page("/bulk/{id}") { visit async throws(Problem) in try await progress(visit) },
            form("/bulk/{id}/stop") { visit, _ async throws(Problem) in
                let found = try await bulk(visit)
                try await queue.stop(found, in: catalog)
                return "/bulk/\(found.id)?done=stop"
            },
        ]
    }

    /// The links to what can be done with all jobs of a list, whose query is `kept`; none where it asks
    /// for how long they have run, for an action cannot be told so.
    static func bulkActions(on filter: JobFilter, _ kept: String, for visit: Visit) -> Markup {
        guard visit.mayAct, filter.runningLongerThan == nil else { return "" }
        let actions = JobAction.allCases.filter { action in
            filter.status.map { action.statuses.contains($0) } ?? true
        }
        let query = kept.isEmpty ? "" : "&" + kept
        return """
            <nav class="actions" aria-label="Actions"><span>All that match:</span>\(Markup(each: actions) { action in
                "<a class=\"button\" href=\"/bulk?action=\(action.rawValue)\(query)\">\(action.title)</a>"
            })</nav>
            """
    }

    /// What a query or a form asks for. Whatever matches in every queue and of every kind takes a
    /// tick in a box.
    private static func request(_ query: Query, isTicked: Bool) throws(Problem) -> BulkRequest {
        let known: JobAction? = try query.value("action") { JobAction(rawValue: $0) } ?? nil
        guard let action = known else {
            throw .invalid(
                InvalidInput(
                    field: "action",
                    "must be one of " + JobAction.allCases.map(\.rawValue).joined(separator: ", ")))
        }
        let filter = try JobFilter(query)
        guard isTicked || filter.isNarrow else {
            throw .invalid(InvalidInput(field: "all", "must be ticked for jobs of every kind"))
        }
        do throws(InvalidInput) {
            return try BulkRequest(action, filter, everything: filter == JobFilter())
        } catch {
            throw .invalid(error)
        }
    }

    /// Asks, with the number of jobs that match; of a long history no more is looked at than its
    /// beginning.
    private func preview(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: JobFilter.parameters.union(["action"]))
        let lost = query.all.first { field in
            !field.value.unicodeScalars.allSatisfy { $0 != "\n" && !isReplaced($0) }
        }
        if let lost {
            let input = InvalidInput(
                field: lost.name, "has characters that no form carries: use POST /v1/bulk")
            throw .invalid(input)
        }
        let request = try Self.request(query, isTicked: true)
        let (jobs, isAll, time) = try await counted(request)
        let match = jobs == 1 ? "job matches" : "jobs match"
        let count = isAll ? "\(jobs) \(match) now." : "At least \(jobs) \(match)."
        let kept = visit.without("action")
        let back = kept.isEmpty ? "/jobs" : "/jobs?" + kept
        let question = "\(request.action.title) all jobs that match?"
        let about: Markup = "<p><b>\(count)</b></p>\(Self.description(of: request))"
        guard !isAll || jobs > 0 else {
            return Page(title: question) {
                """
                <h1>\(question)</h1><div class="card">\(about)<a href="\(back)">Back</a></div>
                """
            }
        }
        let tick: Markup = """
            <label><input type="checkbox" name="all" value="yes" required>
            Yes, whatever their queue and kind</label>
            """
        // To the letter, so that what is sent is what was counted.
        var fields = query.all.map { field in
            (name: field.name, value: Self.fixed(field, as: request.filter) ?? field.value)
        }
        if request.filter.until == nil, let time {
            // Nor does it take what is enqueued meanwhile. A time is written to the millisecond.
            let bound = Timestamp(microseconds: time.microseconds + 1000)
            fields.append((name: "until", value: bound.description))
        }
        // Sent twice it is entered once.
        fields.append((name: "id", value: BulkID().description))
        return Page(
            asking: question, about,
            Form(
                target: "/bulk", fields: fields, button: "\(request.action.title) them",
                back: back, code: visit.code),
            request.filter.isNarrow ? "" : tick)
    }

    /// The time that a field means which tells how long ago; `nil` for any other field.
    private static func fixed(
        _ field: (name: String, value: String), as filter: JobFilter
    ) -> String? {
        // RFC 3339 has colons, and nothing else that is a time.
        let isExact = field.value.contains(":")
        switch field.name {
        case "since" where !isExact:
            // A time is written to the millisecond: none that was not counted. Nor is one before 1970
            // read again.
            return filter.since.map { since in
                Timestamp(microseconds: max(0, since.microseconds) + 999).description
            }
        case "until" where !isExact: return filter.until?.description
        default: return nil
        }
    }

    /// How many jobs match, as far as a bound, whether that is all of them, and when that was.
    private func counted(
        _ request: BulkRequest
    ) async throws(Problem) -> (jobs: Int, isAll: Bool, time: Timestamp?) {
        // The walk begins with the oldest. Of what has not succeeded there is little, and lists
        // find it wherever it stands.
        async let list = Result(of: { () async throws(StoreError) in try await listed(request) })
        var walk = BulkWalk(request, dryRun: true)
        var isWalked = false
        do {
            for page in 1...Self.countedPages where !isWalked {
                let isMore = try await walk.step(queue)
                isWalked = !isMore || walk.counts.examined < page * BulkWalk.pageLimit
            }
        } catch {
            throw Problem.unavailable
        }
        let listing = await list
        if isWalked { return (walk.counts.matched, true, walk.until) }
        let found = try await read { () async throws(StoreError) in try listing.get() }
        return (
            found.isAll ? found.jobs : max(found.jobs, walk.counts.matched), found.isAll, walk.until
        )
    }

    /// How many jobs lists find, and whether those are all.
    private func listed(
        _ request: BulkRequest
    ) async throws(StoreError) -> (jobs: Int, isAll: Bool) {
        var (jobs, isAll) = (0, !request.statuses.contains(.success))
        for status in request.statuses where isAll {
            var filter = request.filter
            filter.status = status
            let page = try await catalog.jobs(matching: filter, after: nil, limit: Self.listedJobs)
            jobs += page.jobs.count
            isAll = page.next == nil
        }
        return (jobs, isAll)
    }

    private static func description(of request: BulkRequest) -> Markup {
        let filter = request.filter
        let statuses = request.statuses.map(\.rawValue).joined(separator: ", ")
        let again: String? = filter.isRetrying ? "after one that failed" : nil
        return """
            <dl><dt>Status</dt><dd>\(statuses)</dd>\(row("Queue", filter.queue))\(row("Kind", filter.kind))
            \(row("Key", filter.key))\(row("Reason", filter.reason))
            \(row("Attempt", again))
            \(row("Enqueued from", filter.since.map(utc)))
            \(row("Enqueued before", filter.until.map(utc)))</dl>
            """
    }

    /// What a bulk action does, and with what.
    private static func about(_ task: BulkTask) -> (title: String, description: Markup) {
        switch task {
        case .jobs(let request):
            return ("\(request.action.title) all jobs that match", description(of: request))
        case .replay(let request):
            let filter = request.filter
            let status = filter.status.map { "of which a job is in \($0.rawValue)" }
            let facts: Markup = """
                <dl>\(row("Source", filter.source))\(row("Events", status))
                \(row("Received from", filter.since.map(utc)))
                \(row("Received before", filter.until.map(utc)))
                <dt>Events a second</dt><dd>\(request.rate) at most</dd></dl>
                """
            return ("Replay all events that match", facts)
        }
    }

    private func progress(_ visit: Visit) async throws(Problem) -> Page {
        let bulk = try await bulk(visit)
        let (title, description) = Self.about(bulk.task)
        let counts = bulk.counts
        let onlyCounts: Markup = bulk.isDryRun ? " It only counts." : ""
        let stop: Markup =
            visit.mayAct && bulk.state == .running
            ? Form(
                target: "/bulk/\(bulk.id)/stop", button: "Call it off", back: "/jobs",
                code: visit.code
            ).markup() : "<a href=\"/jobs\">Jobs</a>"
        var page = Page(title: title) {
            """
            <h1>\(title) <span class="id">\(bulk.id)</span></h1>
            <p class="card why" data-state="\(bulk.state.rawValue)">\(bulk.sentence)\(onlyCounts)</p>
            <div class="card ask">\(description)<dl>
            <dt>Looked at</dt><dd>\(counts.examined)</dd><dt>Matched</dt><dd>\(counts.matched)</dd>
            <dt>Done</dt><dd>\(counts.changed)</dd><dt>Passed over</dt><dd>\(counts.passedOver)</dd>
            \(Self.row("Asked for", Self.utc(bulk.createdAt)))
            \(Self.row("Ended", bulk.finishedAt.map(Self.utc)))</dl>\(stop)</div>
            """
        }
        // It goes on without a script.
        if bulk.state == .running { page.headers.append(("Refresh", "5")) }
        return page
    }

    private func bulk(_ visit: Visit) async throws(Problem) -> BulkRecord {
        guard let id = BulkID(visit.id) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in try await catalog.bulk(id) }
        guard let found else { throw .notFound }
        return found
    }
}

extension JobFilter {
    /// Whether it leaves out jobs of some queue or kind.
    fileprivate var isNarrow: Bool { queue != nil || kind != nil || key != nil }
}

extension BulkRecord {
    /// Where it stands, in a sentence.
    fileprivate var sentence: String {
        switch state {
        case .running where isHeld: "A server is at it."
        case .running: "It waits for a server to take it up."
        case .done: "It is done: all there is has been looked at."
        case .cancelled: "It was called off. What was done until then stays done."
        case .failed: "It ended early: \(reason ?? "PostgreSQL refused it")."
        }
    }
}
