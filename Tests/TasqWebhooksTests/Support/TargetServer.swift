import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Tasq
import TasqWebhooks

/// A real HTTP server on 127.0.0.1 that keeps what it was sent.
final class TargetServer: Sendable {
    /// One request as it arrived.
    struct Seen: Sendable {
        let method: String
        let path: String
        let headers: [Payload.Header]
        let body: [UInt8]

        func header(_ name: String) -> String? {
            headers.first { $0.name == name }?.value
        }
    }

    private let seen = Mutex<[Seen]>([])
    /// Those who wait for the end; `nil` once it has come.
    private let waiting = Mutex<[AsyncStream<Void>.Continuation]?>([])

    var requests: [Seen] { seen.withLock { $0 } }

    /// Runs a server that answers every request with `answer` while `body` runs with its port.
    ///
    /// It is stopped gracefully, never cancelled: Hummingbird's accept loop would drop
    /// connections it has not looked at yet, and NIO traps on those.
    static func run(
        answer: @escaping @Sendable (Request, TargetServer) async throws -> Response,
        _ body: (Int, TargetServer) async throws -> Void
    ) async throws {
        let server = TargetServer()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            var request = request
            let bytes = try await request.collectBody(upTo: 2_000_000)
            let seen = Seen(
                method: request.method.rawValue, path: request.uri.description,
                headers: request.headers.map {
                    Payload.Header(name: $0.name.canonicalName, value: $0.value)
                }, body: Array(bytes.readableBytesView))
            server.seen.withLock { $0.append(seen) }
            return try await answer(request, server)
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
                if let port { try await body(port, server) }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            server.end()
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            try result.get()
        }
    }

    /// Waits until the server is about to be stopped.
    func untilEnd() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isOver = waiting.withLock { waiting in
            waiting?.append(continuation)
            return waiting == nil
        }
        if isOver { continuation.finish() }
        for await _ in stream {}
    }

    private func end() {
        let waiting = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting ?? []
        }
        for continuation in waiting { continuation.finish() }
    }
}

/// An attempt of a job as an executor would hand it to a handler.
func sampleContext(
    attempt: Int = 1, payloadID: PayloadID = PayloadID(), body: [UInt8] = sampleBody,
    contentType: String = "application/json", headers: [Payload.Header] = []
) throws -> JobContext {
    try JobContext(
        job: ClaimedJob(
            id: JobID(), claim: ClaimToken(), kind: Name("sample"), options: JobOptions(),
            attempt: attempt, payloadID: payloadID, source: nil,
            payload: Payload(body, contentType: contentType, headers: headers),
            waitedMicroseconds: 0),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

/// Delivers once to a target and returns the outcome; `success` when nothing was thrown.
func deliver(_ context: JobContext, to target: HTTPTarget) async throws -> Outcome {
    let client = TargetClient(target, version: "1.2.3")
    let result: Result<Void, any Error>
    do {
        result = .success(try await client.deliver(context))
    } catch {
        result = .failure(error)
    }
    await client.shutdown()
    switch result {
    case .success: return .success
    case .failure(let outcome as Outcome): return outcome
    case .failure(let error): throw error
    }
}

/// A target on this machine, which by default is allowed.
func sampleTarget(
    _ port: Int, host: String = "127.0.0.1", path: String = "/hook?token=hush",
    timeout: Duration = .seconds(20), allow: [String] = ["127.0.0.0/8"], secret: String? = nil,
    headers: [Payload.Header] = []
) throws -> HTTPTarget {
    try HTTPTarget(
        url: "http://\(host):\(port)\(path)", timeout: timeout, allow: allow,
        signingSecrets: secret.map { [$0] } ?? [], headers: headers)
}
