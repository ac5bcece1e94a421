import NIOHTTP1
import Tasq

/// `POST /v1/queues/{name}/pause` and `/resume`, and `GET /v1/stats`.
struct QueueRoutes: Sendable {
    let queue: Queue
    let catalog: any Catalog

    var routes: [Route] {
        [
            Route("POST", "/v1/queues/{name}/pause", .operate) { _, name async throws(Problem) in
                try await set(name, paused: true)
            },
            Route("POST", "/v1/queues/{name}/resume", .operate) { _, name async throws(Problem) in
                try await set(name, paused: false)
            },
            Route("GET", "/v1/stats", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                return try await stats()
            },
        ]
    }

    private func set(_ text: Substring, paused isPaused: Bool) async throws(Problem) -> Answer {
        let name: Name
        do throws(InvalidInput) {
            name = try Name(String(text), field: "queue")
        } catch {
            throw .invalid(error)
        }
        // Asked before, since a pause makes a queue of any name.
        let isKnown = try await read { () async throws(StoreError) in
            try await catalog.knows(name, orPaused: !isPaused)
        }
        try await queue.set(name, paused: isPaused)
        return .json { json in
            json.member("name", name.description)
            json.member("paused", isPaused)
            json.member("known", isKnown)
        }
    }

    /// Sums over the queues and workers: what is unfinished or has failed, never a count over history.
    private func stats() async throws(Problem) -> Answer {
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        let workers = try await read { () async throws(StoreError) in try await catalog.workers() }
        let oldest = queues.compactMap(\.oldestWait).max()
        return .json { json in
            json.member("queues", queues.count)
            json.member("paused_queues", queues.count { $0.isPaused })
            json.member("scheduled", queues.reduce(0) { $0 + $1.scheduled })
            json.member("queued", queues.reduce(0) { $0 + $1.queued })
            json.member("executing", queues.reduce(0) { $0 + $1.executing })
            json.member("more_scheduled", queues.contains { $0.hasMoreScheduled })
            json.member("more_queued", queues.contains { $0.hasMoreQueued })
            json.name("oldest_wait_seconds")
            json.literal(oldest.map { PrometheusText.number($0 / .seconds(1)) } ?? "null")
            json.failures(queues.flatMap(\.failures))
            json.member("workers", workers.count)
            json.member("slots", workers.reduce(0) { $0 + $1.worker.concurrency })
        }
    }
}

extension Queue {
    /// Pauses or resumes a queue; throws what that means to the caller.
    func set(_ name: Name, paused isPaused: Bool) async throws(Problem) {
        do throws(StoreError) {
            if isPaused { try await pause(name) } else { try await resume(name) }
        } catch {
            throw Problem(error)
        }
    }
}
