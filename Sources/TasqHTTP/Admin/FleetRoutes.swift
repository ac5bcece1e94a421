import Tasq

/// `/v1/queues`, `/v1/held-back` and `/v1/workers`.
struct FleetRoutes: Sendable {
    let catalog: any Catalog

    var routes: [Route] {
        [
            Route("GET", "/v1/queues", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                let queues = try await read { () async throws(StoreError) in
                    try await catalog.limitedQueues()
                }
                return .json { json in
                    json.name("queues")
                    json.array(queues) { $0.queue($1) }
                }
            },
            Route("GET", "/v1/held-back", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                let look = try await read { () async throws(StoreError) in
                    try await catalog.putOff()
                }
                return .json { json in
                    json.name("held_back")
                    json.array(look.groups) { $0.putOff($1) }
                    json.member("more", look.hasMore)
                }
            },
            Route("GET", "/v1/workers", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                let workers = try await read { () async throws(StoreError) in
                    try await catalog.workers()
                }
                return .json { json in
                    json.name("workers")
                    json.array(workers) { $0.worker($1) }
                }
            },
        ]
    }
}
