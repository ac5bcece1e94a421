import NIOHTTP1
import Tasq

/// `/v1/limits`.
struct LimitRoutes: Sendable {
    let queue: Queue

    var routes: [Route] {
        [
            Route("GET", "/v1/limits", .read) { request, _ async throws(Problem) in
                try await list(request.head)
            },
            Route("GET", "/v1/limits/{queue}", .read) { request, name async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                return try await show(Self.name(name))
            },
            Route("PUT", "/v1/limits/{queue}", .operate) { request, name async throws(Problem) in
                try await put(Self.name(name), request.body)
            },
            Route("DELETE", "/v1/limits/{queue}", .operate) { _, text async throws(Problem) in
                let name = try Self.name(text)
                let existed = try await read { () async throws(StoreError) in
                    try await queue.clearLimit(of: name)
                }
                guard existed else { throw .notFound }
                return .noContent
            },
        ]
    }

    private static func name(_ text: Substring) throws(Problem) -> Name {
        do throws(InvalidInput) {
            return try Name(String(text), field: "queue")
        } catch {
            throw .invalid(error)
        }
    }

    private func list(_ head: RequestHead) async throws(Problem) -> Answer {
        let query = try Query(head.query, allowing: ["limit", "cursor"])
        let count =
            try query.number("limit", in: 1...JobRoutes.pageLimit) ?? JobRoutes.defaultPage
        let cursor = try query.name("cursor")
        let page = try await read { () async throws(StoreError) in
            try await queue.limits(after: cursor, upTo: count)
        }
        return .json { json in
            json.name("limits")
            json.array(page) { json, standing in json.object { $0.limit(standing) } }
            let next = page.count == count ? page.last?.limit.queue.description : nil
            json.member("next_cursor", next)
        }
    }

    private func put(_ name: Name, _ body: [UInt8]) async throws(Problem) -> Answer {
        do {
            try await queue.limit([LimitRequest(body).limit(of: name)])
        } catch {
            throw ScheduleRoutes.problem(error)
        }
        return try await show(name)
    }

    /// As it stands.
    private func show(_ name: Name) async throws(Problem) -> Answer {
        let found = try await read { () async throws(StoreError) in
            try await queue.limit(of: name)
        }
        guard let standing = found else { throw .notFound }
        return .json { $0.limit(standing) }
    }
}

/// What a `PUT /v1/limits/{queue}` asks for.
struct LimitRequest {
    private static let names = ["max_depth", "max_age"]

    private let fields: JobFields

    /// Throws `InvalidInput` for what is no object of these members.
    init(_ body: [UInt8]) throws(InvalidInput) {
        fields = try JobFields(body, allowing: Self.names)
    }

    /// Throws `InvalidInput` naming the member that is missing or wrong.
    func limit(of queue: Name) throws(InvalidInput) -> FlowLimit {
        let depth: Int?
        do throws(InvalidInput) {
            depth = try fields.number("max_depth")
        } catch {
            // Of a number that nothing holds, too, the rule is told.
            throw InvalidInput(field: error.field, FlowLimit.depthRule)
        }
        return try FlowLimit(queue: queue, maxDepth: depth, maxAge: fields.duration("max_age"))
    }
}

extension JSONWriter {
    /// What a limit says and how far its queue is from it.
    mutating func limit(_ standing: LimitStanding) {
        member("queue", standing.limit.queue.description)
        member("max_depth", standing.limit.maxDepth)
        member("max_age", standing.limit.maxAge.map(DurationText.format))
        member("configured", standing.isConfigured)
        member("updated_at", standing.updatedAt.description)
        member("updated_by", standing.updatedBy)
        member("level", standing.level)
        name("oldest_wait_seconds")
        literal(standing.oldestWait.map { PrometheusText.number($0 / .seconds(1)) } ?? "null")
        member("refuses", standing.isRefusing)
    }
}
