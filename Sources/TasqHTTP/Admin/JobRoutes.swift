import NIOHTTP1
import Tasq
import TasqWebhooks

/// `/v1/jobs`: enqueue, list, look at one.
struct JobRoutes: Sendable {
    static let defaultPage = 100
    static let pageLimit = 1000

    let queue: Queue
    let catalog: any Catalog
    let meters: HTTPMeters
    let defaults: @Sendable (Name, [UInt8]) -> JobOptions

    var routes: [Route] {
        [
            Route("POST", "/v1/jobs", .operate) { request, _ async throws(Problem) in
                try await enqueue(request)
            },
            Route("GET", "/v1/jobs", .read) { request, _ async throws(Problem) in
                try await list(request.head)
            },
            Route("GET", "/v1/jobs/{id}", .read) { _, id async throws(Problem) in
                try await show(id)
            },
            Route("GET", "/v1/jobs/{id}/attempts", .read) { _, id async throws(Problem) in
                try await attempts(id)
            },
            Route("GET", "/v1/jobs/{id}/explain", .read) { _, id async throws(Problem) in
                try await explain(id)
            },
        ]
    }

    private func enqueue(_ request: Request) async throws(Problem) -> Answer {
        let key = try IdempotencyKey(request)
        let wanted: EnqueueRequest
        do throws(InvalidInput) {
            wanted = try EnqueueRequest(
                request.body, idempotencyKey: key, trace: TraceContext { request.head.headers[$0] },
                defaults: defaults)
        } catch {
            if error.rule == EnqueueRequest.payloadRule { throw .tooLarge(error) }
            throw .invalid(error)
        }
        if let key, let first = wanted.jobs.first,
            let stored = try await read({ () async throws(StoreError) in
                try await catalog.payload(of: first.id)
            })
        {
            try key.check(stored)
        }
        let clock = ContinuousClock.now
        let enqueued: [Enqueued]
        do throws(StoreError) {
            enqueued = try await queue.enqueue(wanted.jobs)
        } catch {
            throw Problem(error)
        }
        meters.committed(in: .now - clock)
        meters.enqueued(enqueued.count)
        let ids = enqueued.map(\.id.description)
        return .json(.created) { json in
            if wanted.isArray {
                json.member("ids", ids)
            } else {
                json.member("id", ids.first)
            }
        }
    }

    private func list(_ head: RequestHead) async throws(Problem) -> Answer {
        let query = try Query(
            head.query, allowing: JobFilter.listParameters.union(["payload", "limit", "cursor"]))
        let filter = try JobFilter(ofList: query)
        let value = try query.value("payload") { text throws(InvalidInput) in
            try PayloadValue(text, field: "payload")
        }
        let limit = try query.number("limit", in: 1...Self.pageLimit) ?? Self.defaultPage
        let cursor = try query.value("cursor") { text throws(InvalidInput) in
            guard let cursor = JobCursor(text) else {
                throw InvalidInput(field: "cursor", "must be a next_cursor of an earlier answer")
            }
            return cursor
        }
        let page = try await read { () async throws(StoreError) in
            try await catalog.jobs(matching: filter, having: value, after: cursor, limit: limit)
        }
        return .json { json in
            json.name("jobs")
            json.array(page.jobs) { $0.job($1) }
            json.member("next_cursor", page.next?.description)
        }
    }

    private func show(_ id: Substring) async throws(Problem) -> Answer {
        let job = try await job(id)
        var json = JSONWriter()
        json.job(job)
        return Answer(status: .ok, contentType: "application/json", body: json.bytes)
    }

    private func attempts(_ id: Substring) async throws(Problem) -> Answer {
        let job = try await job(id)
        let attempts = try await read { () async throws(StoreError) in
            try await catalog.attempts(of: job.id)
        }
        return .json { json in
            json.name("attempts")
            json.array(attempts) { $0.attempt($1) }
        }
    }

    private func explain(_ text: Substring) async throws(Problem) -> Answer {
        guard let id = JobID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let circumstances = try await read { () async throws(StoreError) in
            try await catalog.circumstances(of: id)
        }
        guard let circumstances else { throw .notFound }
        let explanation = Explanation(circumstances)
        return .json { json in
            json.member("id", id.description)
            json.member("status", circumstances.job.status.rawValue)
            json.member("reason", explanation.reason.rawValue)
            json.member("sentence", explanation.sentence)
            json.name("facts")
            json.object { json in
                for fact in explanation.facts { json.member(fact.name, fact.value) }
            }
        }
    }

    private func job(_ text: Substring) async throws(Problem) -> JobRecord {
        guard let id = JobID(text) else {
            throw .invalid(InvalidInput(field: "id", "must be a UUID of 36 characters"))
        }
        let job = try await read { () async throws(StoreError) in try await catalog.job(id) }
        guard let job else { throw .notFound }
        return job
    }
}

extension JobFilter {
    /// What a query or a form names it by.
    static let parameters: Set = [
        "status", "queue", "kind", "key", "since", "until", "retrying", "reason",
    ]

    /// The same of a list, which may be narrowed by more than an action can be told.
    static let listParameters = parameters.union(["running_longer_than"])

    init(_ query: Query) throws(Problem) {
        self.init(
            status: try query.status("status"), queue: try query.name("queue"),
            kind: try query.name("kind"), key: try query.key("key"),
            since: try query.time("since"), until: try query.time("until"),
            isRetrying: try query.flag("retrying") ?? false)
        reason = try query.value("reason") { text throws(InvalidInput) in
            try JobFilter.reason(text, field: "reason")
        }
        do throws(InvalidInput) {
            try checkRetrying("retrying")
        } catch {
            throw .invalid(error)
        }
    }

    init(ofList query: Query) throws(Problem) {
        try self.init(query)
        runningLongerThan = try query.value("running_longer_than") { text throws(InvalidInput) in
            try DurationText.parse(text, field: "running_longer_than")
        }
        do throws(InvalidInput) {
            try checkRunning("running_longer_than")
        } catch {
            throw .invalid(error)
        }
    }
}

/// Reads from the catalog; whatever is wrong with it, the client may try again.
func read<Value>(
    _ body: () async throws(StoreError) -> Value
) async throws(Problem) -> Value {
    do throws(StoreError) {
        return try await body()
    } catch {
        throw .unavailable
    }
}
