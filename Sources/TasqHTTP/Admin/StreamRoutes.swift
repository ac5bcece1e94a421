import NIOHTTP1
import Tasq

/// `/v1/stream`: what happens, as server-sent events.
struct StreamRoutes: Sendable {
    /// How often a comment shows a quiet stream to be alive.
    static let heartbeat = Duration.seconds(15)

    let feed: ActivityFeed

    var routes: [Route] {
        [
            Route("GET", "/v1/stream", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                let last = request.head.headers.first(name: "last-event-id")
                if request.head.method == "HEAD" { return answer { _ in } }
                guard let news = feed.watch(after: last) else { throw .tooManyWatchers }
                return answer { await send(news, to: $0) }
            }
        ]
    }

    private func answer(
        _ stream: @escaping @Sendable (AnswerStream) async -> Void
    ) -> Answer {
        Answer(
            status: .ok, contentType: "text/event-stream", headers: [("X-Accel-Buffering", "no")],
            body: [], stream: stream)
    }

    private func send(_ news: AsyncStream<ActivityFeed.News>, to client: AnswerStream) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await client.write(Array("retry: 3000\n\n".utf8))
                    for await piece in news { try await client.write(text(of: piece)) }
                } catch {}
            }
            group.addTask {
                do {
                    while await sleep(for: Self.heartbeat) {
                        try await client.write(Array(":\n\n".utf8))
                    }
                } catch {}
            }
            group.addTask { await client.gone.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func text(of news: ActivityFeed.News) -> [UInt8] {
        var text: [UInt8] = []
        if let id = news.id { text += "id: \(id)\n".utf8 }
        text += "event: \(news.activity.name)\ndata: ".utf8
        text += JSONWriter.object { $0.members(of: news.activity) }
        text += "\n\n".utf8
        return text
    }
}

extension Problem {
    static let tooManyWatchers = Problem(
        code: "too-many-watchers", status: .serviceUnavailable,
        title: "Too many clients follow the stream", headers: [("Retry-After", "10")])
}

extension Activity {
    /// What the server-sent event is called.
    fileprivate var name: String {
        switch self {
        case .job(let step, _): step.rawValue
        case .queues: "queues"
        case .idle: "idle"
        case .gap: "gap"
        }
    }
}

extension JSONWriter {
    fileprivate mutating func members(of activity: Activity) {
        switch activity {
        case .idle, .gap: break
        case .queues(let queues):
            name("queues")
            array(queues) { $0.queue($1) }
        case .job(_, let job):
            member("id", job.id.description)
            member("kind", job.kind.description)
            member("queue", job.queue.description)
            member("status", job.status.rawValue)
            member("attempt", job.attempt)
            member("worker_id", job.worker?.description)
        }
    }
}
