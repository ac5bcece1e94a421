import Tasq
import TasqWebhooks

extension Dashboard {
    private static let pageLength = 50
    /// Characters of what an event is about, at most.
    private static let subjectLength = 100
    /// How the names of headers end that tell what an event is about, as `X-GitHub-Event`.
    private static let typeEndings = [
        "-event", "-topic", "-event-type", "-event-name", "-event-key", "ce-type",
    ]

    func events(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: ["source", "cursor"])
        let filter = EventFilter(source: try query.name("source"))
        let cursor = try Self.cursor(of: query) { PayloadID($0) }
        let page = try await read { () async throws(StoreError) in
            try await catalog.events(matching: filter, after: cursor, limit: Self.pageLength)
        }
        let outcomes = try await read { () async throws(StoreError) in
            try await catalog.outcomes(of: page.events.map(\.id))
        }
        let source = filter.source.map { "source=\($0)&" } ?? ""
        let next = Self.next(
            page.next.map { "/events?\(source)cursor=\($0)" },
            searchedTo: page.events.count < Self.pageLength ? page.next?.time : nil)
        let table = Self.table(
            ["Event", "Type", "Source", "Received", "Jobs", "#Bytes", "~Provider's id"],
            page.events.map { event -> [Markup] in
                [
                    "<a href=\"/events/\(event.id)\">\(Self.brief(event.id))</a>",
                    "\(Self.subject(of: event))",
                    "<a href=\"/events?source=\(event.source)\">\(event.source)</a>",
                    Self.moment(event.receivedAt), Self.text(of: outcomes[event.id] ?? [:]),
                    "\(event.bytes)", "\(event.providerID)",
                ]
            }, empty: page.next == nil ? "No webhook is stored." : "None so far.")
        let all: Markup =
            filter.source == nil
            ? "" : "<p>Of \(filter.source). <a href=\"/events\">all events</a></p>"
        return Page(title: "Events") { "<h1>Stored webhook events</h1>\(all)\(table)\(next)" }
    }

    /// What an event is about, where its provider says so in a header, and not at length.
    private static func subject(of event: EventRecord) -> String? {
        let header = event.headers.first { header in
            typeEndings.contains { header.name.hasSuffix($0) } && !isCredentialHeader(header.name)
        }
        return header.map { String($0.value.prefix(subjectLength)) }
    }

    /// How many jobs of an event are in which status.
    private static func text(of outcomes: [JobStatus: Int]) -> Markup {
        let known = JobStatus.allCases.filter { outcomes[$0] != nil }
        guard !known.isEmpty else { return "none left" }
        return Markup(each: known) { status in
            "<span class=\"outcome \(status.rawValue)\">\(outcomes[status]) \(status.rawValue)</span> "
        }
    }

    func event(_ visit: Visit) async throws(Problem) -> Page {
        let event = try await storedEvent(visit)
        let id = event.id
        let jobs = try await read { () async throws(StoreError) in try await catalog.jobs(of: id) }
        let table = Self.table(
            of: jobs, on: try await workers(of: jobs), empty: "None is left.")
        let body = try await shown(id, at: "/v1/events/\(id)/body")
        return Page(title: "Event \(id)") {
            """
            <h1>\(event.source) <span class="id">\(id)</span></h1>
            \(Self.actions(on: event, for: visit))<div class="card"><dl>
            \(Self.row("Type", Self.subject(of: event)))\(Self.row("Received", Self.utc(event.receivedAt)))
            \(Self.row("Provider's id", event.providerID))</dl></div>
            <h2>Its jobs</h2>\(table)<h2>Body</h2>\(body)
            """
        }
    }
}
