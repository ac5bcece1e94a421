import NIOHTTP1
import Tasq

/// `POST /v1/bulk` and `GET`, `DELETE /v1/bulk/{id}`.
struct BulkRoutes: Sendable {
    let queue: Queue
    let catalog: any Catalog
    let runner: BulkRunner

    var routes: [Route] {
        [
            Route("POST", "/v1/bulk", .operate) { request, _ async throws(Problem) in
                try await start(request.body)
            },
            Route("GET", "/v1/bulk/{id}", .read) { _, id async throws(Problem) in
                try await show(id)
            },
            Route("DELETE", "/v1/bulk/{id}", .operate) { _, id async throws(Problem) in
                try await stop(id)
            },
        ]
    }

    private func start(_ body: [UInt8]) async throws(Problem) -> Answer {
        let wanted: BulkBody
        do throws(InvalidInput) {
            wanted = try BulkBody(body)
        } catch {
            throw .invalid(error)
        }
        let filter = wanted.request.filter
        if !wanted.isDryRun, filter != JobFilter() {
            let takesAll = try await read { () async throws(StoreError) in
                try await catalog.takesAll(filter)
            }
            guard !takesAll else { throw .takesAll }
        }
        let id = BulkID()
        try await queue.start(id, wanted.request, dryRun: wanted.isDryRun, by: runner)
        var answer = Answer.json(.accepted) { json in
            json.member("id", id.description)
            json.member("state", BulkRecord.State.running.rawValue)
        }
        answer.headers.append(("Location", "/v1/bulk/\(id)"))
        return answer
    }

    private func show(_ text: Substring) async throws(Problem) -> Answer {
        let bulk = try await bulk(text)
        return .json { $0.bulk(bulk) }
    }

    private func stop(_ text: Substring) async throws(Problem) -> Answer {
        try await queue.stop(bulk(text), in: catalog)
        return .noContent
    }

    private func bulk(_ text: Substring) async throws(Problem) -> BulkRecord {
        guard let id = BulkID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let bulk = try await read { () async throws(StoreError) in try await catalog.bulk(id) }
        guard let bulk else { throw .notFound }
        return bulk
    }
}

extension Queue {
    /// Enters a bulk action, which a server then works off; throws where too many run already.
    func start(
        _ id: BulkID, _ request: BulkRequest, dryRun: Bool, by runner: BulkRunner
    ) async throws(Problem) {
        let isEntered: Bool
        do throws(StoreError) {
            isEntered = try await store.startBulk(id, request, dryRun: dryRun)
        } catch {
            throw Problem(error)
        }
        guard isEntered else { throw .tooManyBulkActions }
        runner.wake()
    }

    /// Calls a bulk action off, or says how it has ended.
    func stop(_ bulk: BulkRecord, in catalog: any Catalog) async throws(Problem) {
        do throws(StoreError) {
            try await store.stopBulk(bulk.id)
        } catch {
            throw Problem(error)
        }
        let stopped = try await read { () async throws(StoreError) in
            try await catalog.bulk(bulk.id)
        }
        guard let state = stopped?.state else { throw .notFound }
        guard state == .cancelled else { throw .bulkIsOver(state) }
    }
}

/// The body of `POST /v1/bulk`: `{"action", "filter": {…}, "dry_run"}`.
struct BulkBody {
    private static let fields = ["action", "filter", "dry_run"]
    private static let filterFields = [
        "status", "queue", "kind", "key", "since", "until", "retrying", "reason", "all",
    ]

    let request: BulkRequest
    let isDryRun: Bool

    /// Throws `InvalidInput` naming the field. A filter that is misspelt would be no filter, so
    /// unknown fields are refused.
    init(_ body: [UInt8]) throws(InvalidInput) {
        let json = try JSONSlices(body, field: "body")
        let fields = try Self.fields(of: json.whole, in: json, allowing: Self.fields, "body")
        guard let word = try fields.string("action"), let action = JobAction(rawValue: word) else {
            throw InvalidInput(
                field: "action",
                "must be one of " + JobAction.allCases.map(\.rawValue).joined(separator: ", "))
        }
        isDryRun = try Self.flag("dry_run", in: fields)
        var filter = JobFilter()
        var everything = false
        if let object = fields.raw("filter") {
            let parts = try Self.fields(of: object, in: json, allowing: Self.filterFields, "filter")
            filter.status = try parts.string("status").map { text throws(InvalidInput) in
                guard let status = JobStatus(rawValue: text) else {
                    throw InvalidInput(
                        field: "status",
                        "must be one of "
                            + JobStatus.allCases.map(\.rawValue).joined(separator: ", "))
                }
                return status
            }
            filter.queue = try Self.name("queue", in: parts)
            filter.kind = try Self.name("kind", in: parts)
            filter.key = try parts.string("key")
            filter.since = try Self.time("since", in: parts)
            filter.until = try Self.time("until", in: parts)
            filter.isRetrying = try Self.flag("retrying", in: parts)
            filter.reason = try parts.string("reason")
            everything = try Self.flag("all", in: parts)
        }
        request = try BulkRequest(action, filter, everything: everything)
    }

    private static func fields(
        of object: ArraySlice<UInt8>, in json: JSONSlices, allowing names: [String], _ what: String
    ) throws(InvalidInput) -> JobFields {
        guard let members = json.members(of: object) else {
            throw InvalidInput(field: what, "must be a JSON object")
        }
        var fields = JobFields()
        for (name, value) in members {
            guard names.contains(name) else {
                throw InvalidInput(
                    field: what, "must have no fields but \(names.joined(separator: ", "))")
            }
            try fields.set(name, to: value)
        }
        return fields
    }

    private static func name(
        _ field: String, in fields: JobFields
    ) throws(InvalidInput) -> Name? {
        try fields.string(field).map { text throws(InvalidInput) in try Name(text, field: field) }
    }

    private static func time(
        _ field: String, in fields: JobFields
    ) throws(InvalidInput) -> Timestamp? {
        try fields.string(field).map { text throws(InvalidInput) in
            try TimeText.parse(text, field: field)
        }
    }

    private static func flag(_ field: String, in fields: JobFields) throws(InvalidInput) -> Bool {
        switch fields.raw(field).map({ String(decoding: $0, as: UTF8.self) }) {
        case nil, "false", "null": false
        case "true": true
        default: throw InvalidInput(field: field, "must be true or false")
        }
    }
}

extension JSONWriter {
    /// The members of a bulk action.
    mutating func bulk(_ bulk: BulkRecord) {
        let filter = bulk.request.filter
        member("id", bulk.id.description)
        member("action", bulk.request.action.rawValue)
        name("filter")
        object { json in
            json.member("status", filter.status?.rawValue)
            json.member("queue", filter.queue?.description)
            json.member("kind", filter.kind?.description)
            json.member("key", filter.key)
            json.member("since", filter.since?.description)
            json.member("until", filter.until?.description)
            json.member("retrying", filter.isRetrying)
            json.member("reason", filter.reason)
            json.member("all", filter == JobFilter())
        }
        member("dry_run", bulk.isDryRun)
        member("state", bulk.state.rawValue)
        member("held", bulk.isHeld)
        member("examined", bulk.counts.examined)
        member("matched", bulk.counts.matched)
        member("changed", bulk.counts.changed)
        member("passed_over", bulk.counts.passedOver)
        member("reason", bulk.reason)
        member("created_at", bulk.createdAt.description)
        member("updated_at", bulk.updatedAt.description)
        member("finished_at", bulk.finishedAt?.description)
    }
}

extension Problem {
    static let tooManyBulkActions = Problem(
        code: "too-many-bulk-actions", status: .tooManyRequests,
        title: "Too many bulk actions run already", headers: [("Retry-After", "10")])

    /// Every job there is has to be meant in so many words.
    static let takesAll = Problem(
        code: "takes-all", status: .conflict, title: "The filter leaves out no job",
        detail: "say {\"all\": true} in its place for every job")

    static func bulkIsOver(_ state: BulkRecord.State) -> Problem {
        Problem(
            code: "wrong-state", status: .conflict, title: "The bulk action has ended",
            detail: "it is \(state.rawValue)")
    }
}
