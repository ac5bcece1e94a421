import NIOHTTP1
import Tasq
import TasqWebhooks

/// `/v1/events`: stored webhooks, their bodies, and their replay.
struct EventRoutes: Sendable {
    let queue: Queue
    let catalog: any Catalog

    var routes: [Route] {
        [
            Route("GET", "/v1/events", .read) { request, _ async throws(Problem) in
                try await list(request.head)
            },
            Route("GET", "/v1/events/{id}", .read) { _, id async throws(Problem) in
                try await show(id)
            },
            Route("GET", "/v1/events/{id}/body", .read) { _, id async throws(Problem) in
                try await body(id)
            },
            Route("POST", "/v1/events/{id}/replay", .operate) { request, id async throws(Problem) in
                try await replay(id)
            },
        ]
    }

    /// Where an event is run again, on the admin listener.
    static func replayPath(of event: PayloadID) -> String { "/v1/events/\(event)/replay" }

    private func list(_ head: RequestHead) async throws(Problem) -> Answer {
        let query = try Query(
            head.query, allowing: ["source", "status", "since", "until", "limit", "cursor"])
        let filter = EventFilter(
            source: try query.name("source"), since: try query.time("since"),
            until: try query.time("until"), status: try query.status("status"))
        let limit =
            try query.number("limit", in: 1...JobRoutes.pageLimit) ?? JobRoutes.defaultPage
        let cursor = try query.value("cursor") { text throws(InvalidInput) in
            guard let id = PayloadID(text) else {
                throw InvalidInput(field: "cursor", "must be a next_cursor of an earlier answer")
            }
            return id
        }
        let page = try await read { () async throws(StoreError) in
            try await catalog.events(matching: filter, after: cursor, limit: limit)
        }
        return .json { json in
            json.name("events")
            json.array(page.events) { json, event in json.object { $0.members(of: event) } }
            json.member("next_cursor", page.next?.description)
        }
    }

    private func show(_ text: Substring) async throws(Problem) -> Answer {
        let event = try await event(text)
        let jobs = try await read { () async throws(StoreError) in
            try await catalog.jobs(of: event.id)
        }
        return .json { json in
            json.members(of: event)
            json.name("jobs")
            json.array(jobs) { $0.job($1) }
        }
    }

    private func body(_ text: Substring) async throws(Problem) -> Answer {
        let event = try await event(text)
        return try await .download(
            Payload([], contentType: event.contentType), event.id, bytes: event.bytes,
            asHandled: false, from: catalog)
    }

    private func replay(_ text: Substring) async throws(Problem) -> Answer {
        let event = try await event(text)
        let made = try await queue.run(again: event.id, from: catalog)
        return .json(.accepted) { json in
            json.member("id", event.id.description)
            json.member("jobs", made.lazy.map(\.id.description))
        }
    }

    private func event(_ text: Substring) async throws(Problem) -> EventRecord {
        guard let id = PayloadID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let event = try await read { () async throws(StoreError) in try await catalog.event(id) }
        guard let event else { throw .notFound }
        return event
    }
}

extension Queue {
    /// Makes new jobs of a stored event, or says why not.
    func run(
        again event: PayloadID, from catalog: any Catalog
    ) async throws(Problem) -> [Enqueued] {
        let made: [Enqueued]?
        do throws(StoreError) {
            made = try await replay(event, from: catalog)
        } catch {
            throw Problem(error)
        }
        guard let made else { throw .notFound }
        guard !made.isEmpty else { throw .nothingToReplay }
        return made
    }
}

extension Problem {
    static let nothingToReplay = Problem(
        code: "nothing-to-replay", status: .conflict,
        title: "The event has no job left that a new one could be made like")
}

extension JSONWriter {
    /// Headers whose names speak of credentials keep their names only.
    mutating func members(of event: EventRecord) {
        member("id", event.id.description)
        member("source", event.source.description)
        member("event_id", event.providerID)
        member("content_type", event.contentType)
        member("bytes", event.bytes)
        member("received_at", event.receivedAt.description)
        name("headers")
        headers(
            event.headers.map { header in
                isCredentialHeader(header.name)
                    ? Payload.Header(name: header.name, value: "***") : header
            })
    }
}
