import Tasq
import TasqWebhooks

extension Dashboard {
    private static let eventPageLength = 50

    func events(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: ["source", "cursor"])
        let filter = EventFilter(source: try query.name("source"))
        let cursor = try query.value("cursor") { PayloadID($0) } ?? nil
        let page = try await read { () async throws(StoreError) in
            try await catalog.events(matching: filter, after: cursor, limit: Self.eventPageLength)
        }
        let source = filter.source.map { "source=\($0)&" } ?? ""
        let next = Self.next(
            page.next.map { "/events?\(source)cursor=\($0)" },
            searchedTo: page.events.count < Self.eventPageLength
                ? page.next.map { Timestamp(microseconds: Int64($0.high >> 16) * 1000) } : nil)
        return Page(title: "Events") {
            """
            <h1>Stored webhook events</h1>\(Self.table(
                ["Event", "Source", "Received", "#Bytes", "Type", "~Provider's id"],
                page.events.map { event -> [Markup] in
                    [
                        "<a href=\"/events/\(event.id)\">\(Self.brief(event.id))</a>",
                        "<a href=\"/events?source=\(event.source)\">\(event.source)</a>",
                        Self.moment(event.receivedAt), "\(event.bytes)", "\(event.contentType)",
                        "\(event.providerID)",
                    ]
                }, empty: page.next == nil ? "No webhook is stored." : "None so far."))\(next)
            """
        }
    }

    func event(_ visit: Visit) async throws(Problem) -> Page {
        let event = try await storedEvent(visit)
        let id = event.id
        let jobs = try await read { () async throws(StoreError) in try await catalog.jobs(of: id) }
        let workers = try await workers(of: jobs)
        return Page(title: "Event \(id)") {
            """
            <h1>\(event.source) <span class="id">\(event.id)</span></h1>
            \(Self.actions(on: event, for: visit))<div class="card"><dl>
            \(Self.row("Received", Self.utc(event.receivedAt)))
            \(Self.row("Provider's id", event.providerID))
            <dt>Body</dt><dd><a href="/v1/events/\(event.id)/body">\(event.bytes) bytes of \(event.contentType)</a></dd>
            \(Markup(each: event.headers) { header in
                "<dt>\(header.name)</dt><dd>\(isCredentialHeader(header.name) ? "***" : header.value)</dd>"
            })</dl></div><h2>Its jobs</h2>\(Self.table(of: jobs, on: workers, empty: "None is left."))
            """
        }
    }
}
