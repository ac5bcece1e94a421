import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// A real HTTP server on 127.0.0.1 that counts what it is sent and answers as it is told.
final class AnsweringTarget: Sendable {
    /// A request, as far as a test asks: its path and the job and attempt it was sent for.
    struct Seen: Sendable, Hashable {
        let path: String
        let job: String
        let attempt: Int
    }

    private let seen = Mutex<[Seen]>([])

    /// All requests so far, in the order of their arrival.
    var requests: [Seen] { seen.withLock { $0 } }

    /// Runs a server while `body` runs with its address, as in `http://127.0.0.1:4711`.
    static func run(
        answer: @escaping @Sendable (Seen) -> Response,
        _ body: (String, AnsweringTarget) async throws -> Void
    ) async throws {
        let target = AnsweringTarget()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            var request = request
            _ = try await request.collectBody(upTo: 2_000_000)
            let seen = Seen(
                path: request.uri.path, job: request.headers[.job] ?? "",
                attempt: request.headers[.attempt].flatMap { Int($0) } ?? 0)
            target.seen.withLock { $0.append(seen) }
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

extension HTTPField.Name {
    fileprivate static let job = HTTPField.Name("tasq-job-id")!
    fileprivate static let attempt = HTTPField.Name("tasq-job-attempt")!
}
