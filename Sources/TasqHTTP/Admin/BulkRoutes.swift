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
        let (task, isDryRun) = (wanted.task, wanted.isDryRun)
        if !isDryRun {
            let takesAll = try await read { () async throws(StoreError) in
                try await catalog.takesAll(task)
            }
            guard !takesAll else { throw .takesAll }
        }
        let id = wanted.id ?? BulkID()
        try await queue.start(id, task, dryRun: isDryRun, by: runner)
        var state = BulkRecord.State.running
        if wanted.id != nil {
            // It may have come before, and be over.
            let found = try await read { () async throws(StoreError) in try await catalog.bulk(id) }
            if let found {
                let isSame = found.isDryRun == isDryRun && found.task.timeless == task.timeless
                guard isSame else { throw .bulkIDReused }
                state = found.state
            }
        }
        let known = state
        var answer = Answer.json(.accepted) { json in
            json.member("id", id.description)
            json.member("state", known.rawValue)
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
        _ id: BulkID, _ task: BulkTask, dryRun: Bool, by runner: BulkRunner
    ) async throws(Problem) {
        let isEntered: Bool
        do throws(StoreError) {
            isEntered = try await store.startBulk(id, task, dryRun: dryRun)
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

extension Catalog {
    /// Whether bounds in time are all that narrows a bulk action, and leave nothing out.
    fileprivate func takesAll(_ task: BulkTask) async throws(StoreError) -> Bool {
        switch task {
        case .jobs(let request) where request.filter != JobFilter():
            return try await takesAll(request.filter)
        case .replay(let request) where request.filter != EventFilter():
            return try await takesAll(request.filter)
        default: return false
        }
    }
}

extension BulkTask {
    /// With any times as one: told as how long ago, each is another one when the request comes again.
    fileprivate var timeless: BulkTask {
        let moment = Timestamp(microseconds: 0)
        switch self {
        case .jobs(let request):
            var filter = request.filter
            if filter.since != nil { filter.since = moment }
            if filter.until != nil { filter.until = moment }
            return .jobs(BulkRequest(trusted: request.action, filter))
        case .replay(let request):
            var filter = request.filter
            if filter.since != nil { filter.since = moment }
            if filter.until != nil { filter.until = moment }
            return .replay(ReplayRequest(trusted: filter, rate: request.rate))
        }
    }
}

/// The body of `POST /v1/bulk`: `{"action", "filter": {…}, "dry_run", "rate", "id"}`.
struct BulkBody {
    private static let fields = ["action", "filter", "dry_run", "rate", "id"]
    private static let filterFields = [
        "status", "queue", "kind", "key", "since", "until", "retrying", "reason", "all",
    ]
    private static let eventFields = ["source", "status", "since", "until", "all"]
    /// What the one action is called that is on events.
    static let replayWord = "replay"

    let task: BulkTask
    let isDryRun: Bool
    /// What it is to be known by; sent again it is entered once.
    let id: BulkID?

    /// Throws `InvalidInput` naming the field. A filter that is misspelt would be no filter, so
    /// unknown fields are refused.
    init(_ body: [UInt8]) throws(InvalidInput) {
        let json = try JSONSlices(body, field: "body")
        let fields = try Self.fields(of: json.whole, in: json, allowing: Self.fields, "body")
        isDryRun = try fields.flag("dry_run")
        id = try fields.string("id").map { text throws(InvalidInput) in
            guard let id = BulkID(text) else {
                throw InvalidInput(field: "id", "must be a UUID of 36 characters")
            }
            return id
        }
        let word = try fields.string("action")
        if word == Self.replayWord {
            task = .replay(try Self.replay(fields, in: json))
            return
        }
        guard let action = word.flatMap({ JobAction(rawValue: $0) }) else {
            let actions = JobAction.allCases.map(\.rawValue) + [Self.replayWord]
            throw InvalidInput(
                field: "action", "must be one of " + actions.joined(separator: ", "))
        }
        guard try fields.number("rate") == nil else {
            throw InvalidInput(field: "rate", "goes with the action replay alone")
        }
        task = .jobs(try Self.jobs(action, fields, in: json))
    }

    private static func jobs(
        _ action: JobAction, _ fields: JobFields, in json: JSONSlices
    ) throws(InvalidInput) -> BulkRequest {
        var filter = JobFilter()
        var everything = false
        if let object = fields.raw("filter") {
            let parts = try Self.fields(of: object, in: json, allowing: filterFields, "filter")
            filter.status = try status(in: parts)
            filter.queue = try name("queue", in: parts)
            filter.kind = try name("kind", in: parts)
            filter.key = try parts.string("key")
            filter.since = try time("since", in: parts)
            filter.until = try time("until", in: parts)
            filter.isRetrying = try parts.flag("retrying")
            filter.reason = try parts.string("reason")
            everything = try parts.flag("all")
        }
        return try BulkRequest(action, filter, everything: everything)
    }

    private static func replay(
        _ fields: JobFields, in json: JSONSlices
    ) throws(InvalidInput) -> ReplayRequest {
        var filter = EventFilter()
        var everything = false
        if let object = fields.raw("filter") {
            let parts = try Self.fields(of: object, in: json, allowing: eventFields, "filter")
            filter.source = try name("source", in: parts)
            filter.status = try status(in: parts)
            filter.since = try time("since", in: parts)
            filter.until = try time("until", in: parts)
            everything = try parts.flag("all")
        }
        guard let rate = try fields.number("rate") else {
            return try ReplayRequest(filter, everything: everything)
        }
        return try ReplayRequest(filter, everything: everything, rate: rate)
    }

    private static func status(in fields: JobFields) throws(InvalidInput) -> JobStatus? {
        try fields.string("status").map { text throws(InvalidInput) in
            guard let status = JobStatus(rawValue: text) else {
                throw InvalidInput(
                    field: "status",
                    "must be one of " + JobStatus.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return status
        }
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
}

extension JSONWriter {
    /// The members of a bulk action.
    mutating func bulk(_ bulk: BulkRecord) {
        member("id", bulk.id.description)
        switch bulk.task {
        case .jobs(let request):
            let filter = request.filter
            member("action", request.action.rawValue)
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
        case .replay(let request):
            let filter = request.filter
            member("action", BulkBody.replayWord)
            name("filter")
            object { json in
                json.member("source", filter.source?.description)
                json.member("status", filter.status?.rawValue)
                json.member("since", filter.since?.description)
                json.member("until", filter.until?.description)
                json.member("all", filter == EventFilter())
            }
            member("rate", request.rate)
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

    /// What was asked for by this id is not what is asked for now.
    static let bulkIDReused = Problem(
        code: "bulk-id-reused", status: .unprocessableEntity,
        title: "The id was used for another bulk action")

    /// Every job, or event, there is has to be meant in so many words.
    static let takesAll = Problem(
        code: "takes-all", status: .conflict, title: "The filter leaves nothing out",
        detail: "say {\"all\": true} in its place for everything")

    static func bulkIsOver(_ state: BulkRecord.State) -> Problem {
        Problem(
            code: "wrong-state", status: .conflict, title: "The bulk action has ended",
            detail: "it is \(state.rawValue)")
    }
}
