import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TasqTesting

/// A real HTTP server on 127.0.0.1 that counts what it is sent and answers as it is told.
final class AnsweringTarget: Sendable {
    /// A request, as far as a test asks: its path and the job and attempt it was sent for.
    struct Seen: Sendable, Hashable {
        let path: String
        let job: String
        let attempt: Int
        /// Which request of its job it is, from 1.
        let count: Int
    }

    private let seen = Mutex<[Seen]>([])

    /// All requests so far, in the order of their arrival.
    var requests: [Seen] { seen.withLock { $0 } }

    /// The answer of one that is to be asked again after so many seconds.
    static func busy(for seconds: Int) -> Response {
        Response(status: .tooManyRequests, headers: [.retryAfter: "\(seconds)"])
    }

    /// The answer of one that has failed.
    static var broken: Response { Response(status: .internalServerError) }

    /// Runs a server while `body` runs with its address, as in `http://127.0.0.1:4711`. It answers
    /// nothing before so many requests have come.
    static func run(
        gathering crowd: Int = 0,
        answer: @escaping @Sendable (Seen) -> Response,
        _ body: (String, AnsweringTarget) async throws -> Void
    ) async throws {
        let target = AnsweringTarget()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            var request = request
            _ = try await request.collectBody(upTo: 2_000_000)
            let names = ["tasq-job-id", "tasq-job-attempt"].compactMap { HTTPField.Name($0) }
            let values = names.map { request.headers[$0] ?? "" }
            let (job, attempt) = (values[0], Int(values[1]) ?? 0)
            let path = request.uri.path
            let seen = target.seen.withLock { all in
                let count = all.count { $0.job == job } + 1
                all.append(Seen(path: path, job: job, attempt: attempt, count: count))
                return all[all.count - 1]
            }
            try await eventually("all have come") { target.requests.count >= crowd }
            return answer(seen)
        }
        let logger = Logger(label: "target") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            responder: responder,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? 0)
                continuation.finish()
            }, logger: logger)
        let services = ServiceGroup(
            configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await services.run()
            }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next()
            let result: Result<Void, any Error>
            do {
                if let port { try await body("http://127.0.0.1:\(port)", target) }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            try result.get()
        }
    }
}
