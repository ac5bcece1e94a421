import Tasq
import TasqWebhooks

extension Dashboard {
    private static let pageLength = 50

    func jobs(_ head: RequestHead) async throws(Problem) -> Page {
        // A form sends what was left empty, too.
        let given = (head.query ?? "").split(separator: "&").filter { $0.last != "=" }
        let query = try Query(
            given.joined(separator: "&"), allowing: ["status", "queue", "kind", "key", "cursor"])
        let filter = JobFilter(
            status: try query.value("status") { JobStatus(rawValue: $0) } ?? nil,
            queue: try query.name("queue"), kind: try query.name("kind"),
            key: try query.value("key") { $0 })
        let cursor = try query.value("cursor") { JobID($0) } ?? nil
        let jobs = try await read { () async throws(StoreError) in
            try await catalog.jobs(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let kept = given.filter { !$0.hasPrefix("cursor=") }.joined(separator: "&")
        let next: Markup =
            jobs.count < Self.pageLength
            ? ""
            : """
            <nav class="pages"><a href="/jobs?\(kept.isEmpty ? "" : kept + "&")cursor=\(jobs.last?.id)">older →</a></nav>
            """
        return Page(title: "Jobs") {
            """
            <h1>Jobs</h1><form class="filters" method="get" action="/jobs">
            <label>status <select name="status"><option value="">any</option>\(
                Markup(each: JobStatus.allCases) { status in
                    "<option\(status == filter.status ? " selected" : "" as Markup)>\(status.rawValue)</option>"
                })</select></label>
            \(Self.field("queue", filter.queue?.description))\(Self.field("kind", filter.kind?.description))
            \(Self.field("key", filter.key))<button>Show</button></form>
            \(Self.table(of: jobs))\(next)
            """
        }
    }

    private static func field(_ name: String, _ value: String?) -> Markup {
        "<label>\(name) <input name=\"\(name)\" value=\"\(value ?? "")\"></label>"
    }

    static func table(of jobs: [JobRecord]) -> Markup {
        table(
            ["Job", "Kind", "Queue", "Status", "#Attempt", "Enqueued", "Reason"],
            jobs.map { job in
                """
                <td class="id"><a href="/jobs/\(job.id)">\(job.id)</a></td><td>\(job.kind)</td>
                <td>\(job.queue)</td><td class="\(job.status.rawValue)">\(job.status.rawValue)</td>
                <td class="num">\(job.attempt) / \(job.maxAttempts)</td><td>\(Self.plain(job.enqueuedAt))</td><td class="wrap">\(job.reason)</td>
                """
            }, empty: "There is none.")
    }

    func job(_ text: Substring) async throws(Problem) -> Page {
        guard let id = JobID(text) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in try await catalog.job(id) }
        guard let job = found else { throw .notFound }
        let attempts = try await read { () async throws(StoreError) in
            try await catalog.attempts(of: id)
        }
        return Page(title: "Job \(id)") {
            """
            <h1>\(job.kind) <span class="id">\(job.id)</span></h1><div class="card"><dl>
            <dt>Status</dt><dd class="\(job.status.rawValue)">\(job.status.rawValue)</dd>
            <dt>Queue</dt><dd><a href="/jobs?queue=\(job.queue)">\(job.queue)</a>, priority \(job.priority.level)</dd>
            <dt>Attempt</dt><dd>\(job.attempt) of \(job.maxAttempts), \(job.crashes) crashes</dd>
            <dt>Key</dt><dd>\(job.key)</dd><dt>Unique key</dt><dd>\(job.uniqueKey)</dd>
            <dt>Enqueued</dt><dd>\(job.enqueuedAt)</dd><dt>Due</dt><dd>\(job.runAt)</dd>
            <dt>Claimed</dt><dd>\(job.claimedAt)</dd><dt>Finished</dt><dd>\(job.finishedAt)</dd>
            <dt>Worker</dt><dd class="id">\(job.worker)</dd><dt>Reason</dt><dd>\(job.reason)</dd></dl></div>
            <h2>Attempts that failed or spoke</h2>\(Self.table(
                ["#Attempt", "Outcome", "Claimed", "Ended", "Worker", "Reason"],
                attempts.map { attempt in
                    """
                    <td class="num">\(attempt.attempt)</td><td class="\(attempt.outcome)">\(attempt.outcome)</td>
                    <td>\(Self.plain(attempt.startedAt))</td><td>\(Self.plain(attempt.endedAt))</td>
                    <td class="id">\(attempt.worker)</td><td class="wrap">\(attempt.reason)</td>
                    """
                }, empty: "None. A first attempt that succeeds leaves no record."))
            """
        }
    }

    func events(_ head: RequestHead) async throws(Problem) -> Page {
        let query = try Query(head.query, allowing: ["source", "cursor"])
        let filter = EventFilter(source: try query.name("source"))
        let cursor = try query.value("cursor") { PayloadID($0) } ?? nil
        let events = try await read { () async throws(StoreError) in
            try await catalog.events(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let source = filter.source.map { "source=\($0)&" } ?? ""
        let next: Markup =
            events.count < Self.pageLength
            ? ""
            : "<nav class=\"pages\"><a href=\"/events?\(source)cursor=\(events.last?.id)\">older →</a></nav>"
        return Page(title: "Events") {
            """
            <h1>Stored webhook events</h1>\(Self.table(
                ["Event", "Source", "Provider's id", "Type", "#Bytes", "Received"],
                events.map { event in
                    """
                    <td class="id"><a href="/events/\(event.id)">\(event.id)</a></td>
                    <td><a href="/events?source=\(event.source)">\(event.source)</a></td>
                    <td class="wrap">\(event.providerID)</td><td>\(event.contentType)</td>
                    <td class="num">\(event.bytes)</td><td>\(Self.plain(event.receivedAt))</td>
                    """
                }, empty: "There is none."))\(next)
            """
        }
    }

    func event(_ text: Substring) async throws(Problem) -> Page {
        guard let id = PayloadID(text) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in try await catalog.event(id) }
        guard let event = found else { throw .notFound }
        let jobs = try await read { () async throws(StoreError) in try await catalog.jobs(of: id) }
        return Page(title: "Event \(id)") {
            """
            <h1>\(event.source) <span class="id">\(event.id)</span></h1><div class="card"><dl>
            <dt>Received</dt><dd>\(event.receivedAt)</dd><dt>Provider's id</dt><dd>\(event.providerID)</dd>
            <dt>Body</dt><dd><a href="/v1/events/\(event.id)/body">\(event.bytes) bytes of \(event.contentType)</a></dd>
            \(Markup(each: event.headers) { header in
                "<dt>\(header.name)</dt><dd>\(isCredentialHeader(header.name) ? "***" : header.value)</dd>"
            })</dl></div><h2>Its jobs</h2>\(Self.table(of: jobs))
            """
        }
    }
}
