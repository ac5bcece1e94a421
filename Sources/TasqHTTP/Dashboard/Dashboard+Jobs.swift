import Tasq
import TasqWebhooks

extension Dashboard {
    private static let pageLength = 50

    func jobs(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: JobFilter.parameters.union(["cursor"]))
        let filter = try JobFilter(query)
        let cursor = try query.value("cursor") { JobCursor($0) } ?? nil
        let page = try await read { () async throws(StoreError) in
            try await catalog.jobs(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let kept = visit.given.filter { !$0.hasPrefix("cursor=") }.joined(separator: "&")
        let next = Self.next(
            page.next.map { "/jobs?\(kept.isEmpty ? "" : kept + "&")cursor=\($0)" },
            searchedTo: page.jobs.count < Self.pageLength ? page.next?.time : nil)
        let none = kept.isEmpty ? "No job yet." : "No job is like that."
        let isNone = page.jobs.isEmpty && page.next == nil
        return Page(title: "Jobs") {
            """
            <h1>Jobs</h1><form class="filters" method="get" action="/jobs">
            <label>status <select name="status"><option value="">any</option>\(
                Markup(each: JobStatus.allCases) { status in
                    "<option\(status == filter.status ? " selected" : "" as Markup)>\(status.rawValue)</option>"
                })</select></label>
            \(Self.field("queue", filter.queue?.description))\(Self.field("kind", filter.kind?.description))
            \(Self.field("key", filter.key))<button>Show</button>\(
                kept.isEmpty ? "" : "<a href=\"/jobs\">all jobs</a>" as Markup)</form>
            \(Self.table(of: page.jobs, empty: isNone ? none : "None so far."))\(next)
            \(isNone ? "" as Markup : Self.bulkActions(on: filter, kept, for: visit))
            """
        }
    }

    /// The way to the next page; where a search has not found a page's worth, how far it went.
    private static func next(_ target: String?, searchedTo time: Timestamp?) -> Markup {
        guard let target else { return "" }
        guard let time else {
            return "<nav class=\"pages\"><a href=\"\(target)\">older →</a></nav>"
        }
        return """
            <nav class="pages">Searched back to \(plain(time)). <a href="\(target)">continue →</a></nav>
            """
    }

    private static func field(_ name: String, _ value: String?) -> Markup {
        "<label>\(name) <input name=\"\(name)\" value=\"\(value ?? "")\"></label>"
    }

    static func table(of jobs: [JobRecord], empty: String) -> Markup {
        table(
            ["Job", "Kind", "Status", "Queue", "#Attempt", "Enqueued (UTC)", "Reason"],
            jobs.map { job in
                """
                <td><a href="/jobs/\(job.id)">\(Self.id(job.id))</a></td>
                <td><a href="/jobs?kind=\(job.kind)">\(job.kind)</a></td>
                <td class="\(job.status.rawValue)">\(job.status.rawValue)</td>
                <td><a href="/jobs?queue=\(job.queue)">\(job.queue)</a></td>
                <td class="num">\(job.attempt) / \(job.maxAttempts)</td>
                <td>\(Self.plain(job.enqueuedAt))</td><td class="wrap">\(job.reason)</td>
                """
            }, empty: empty)
    }

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
                ["#Attempt", "Outcome", "Claimed (UTC)", "Ended (UTC)", "Worker", "Reason"],
                attempts.map { attempt in
                    """
                    <td class="num">\(attempt.attempt)</td><td class="\(attempt.outcome)">\(attempt.outcome)</td>
                    <td>\(Self.plain(attempt.startedAt))</td><td>\(Self.plain(attempt.endedAt))</td>
                    <td>\(attempt.worker.map { Self.id($0) })</td><td class="wrap">\(attempt.reason)</td>
                    """
                }, empty: "None. A first attempt that succeeds leaves no record."))
            """
        }
    }

    /// A name and a value, or nothing where there is no value.
    static func row(_ name: String, _ value: (some CustomStringConvertible)?) -> Markup {
        row(name, value.map { "\($0)" as Markup })
    }

    static func row(_ name: String, _ value: Markup?) -> Markup {
        value.map { "<dt>\(name)</dt><dd>\($0)</dd>" } ?? ""
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

    func events(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: ["source", "cursor"])
        let filter = EventFilter(source: try query.name("source"))
        let cursor = try query.value("cursor") { PayloadID($0) } ?? nil
        let page = try await read { () async throws(StoreError) in
            try await catalog.events(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let source = filter.source.map { "source=\($0)&" } ?? ""
        let next = Self.next(
            page.next.map { "/events?\(source)cursor=\($0)" },
            searchedTo: page.events.count < Self.pageLength
                ? page.next.map { Timestamp(microseconds: Int64($0.high >> 16) * 1000) } : nil)
        return Page(title: "Events") {
            """
            <h1>Stored webhook events</h1>\(Self.table(
                ["Event", "Source", "Received (UTC)", "#Bytes", "Type", "Provider's id"],
                page.events.map { event in
                    """
                    <td><a href="/events/\(event.id)">\(Self.id(event.id))</a></td>
                    <td><a href="/events?source=\(event.source)">\(event.source)</a></td>
                    <td>\(Self.plain(event.receivedAt))</td><td class="num">\(event.bytes)</td>
                    <td>\(event.contentType)</td><td class="wrap">\(event.providerID)</td>
                    """
                }, empty: page.next == nil ? "No webhook is stored." : "None so far."))\(next)
            """
        }
    }

    func event(_ visit: Visit) async throws(Problem) -> Page {
        let event = try await storedEvent(visit)
        let id = event.id
        let jobs = try await read { () async throws(StoreError) in try await catalog.jobs(of: id) }
        return Page(title: "Event \(id)") {
            """
            <h1>\(event.source) <span class="id">\(event.id)</span></h1>
            \(Self.actions(on: event, for: visit))<div class="card"><dl>
            \(Self.row("Received", Self.utc(event.receivedAt)))
            \(Self.row("Provider's id", event.providerID))
            <dt>Body</dt><dd><a href="/v1/events/\(event.id)/body">\(event.bytes) bytes of \(event.contentType)</a></dd>
            \(Markup(each: event.headers) { header in
                "<dt>\(header.name)</dt><dd>\(isCredentialHeader(header.name) ? "***" : header.value)</dd>"
            })</dl></div><h2>Its jobs</h2>\(Self.table(of: jobs, empty: "None is left."))
            """
        }
    }
}
