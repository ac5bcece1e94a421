import Logging
import NIOHTTP1
import ServiceLifecycle

@testable import TasqHTTP

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Where a server will say it listens, for the test to wait for.
struct ListenSignal: Sendable {
    private let stream: AsyncStream<ListenAddress>
    private let continuation: AsyncStream<ListenAddress>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var tell: @Sendable (ListenAddress) -> Void {
        { [continuation] address in continuation.yield(address) }
    }

    func address() async throws -> ListenAddress {
        for await address in stream { return address }
        throw CancellationError()
    }
}

/// Runs services while the body runs, then shuts them down gracefully and waits for them.
func serving<Value: Sendable>(
    _ services: [any Service], _ body: @Sendable (ServiceGroup) async throws -> Value
) async throws -> Value {
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: services, logger: quiet))
    async let run: Void = group.run()
    do {
        let value = try await body(group)
        await group.triggerGracefulShutdown()
        try await run
        return value
    } catch {
        await group.triggerGracefulShutdown()
        try await run
        throw error
    }
}

/// Serves a responder on a free port.
func serving<Value: Sendable>(
    _ responder: any Responder, limits: HTTPLimits = HTTPLimits(), tls: ListenerTLS? = nil,
    _ body: @Sendable (ListenAddress) async throws -> Value
) async throws -> Value {
    let signal = ListenSignal()
    let listener = Listener(
        address: ListenAddress(host: "127.0.0.1", port: 0), limits: limits, tls: tls,
        responder: responder, meters: HTTPMeters(), logger: quiet, onListening: signal.tell)
    return try await serving([listener]) { _ in try await body(signal.address()) }
}

/// Answers every request with what it said; refuses GET by its head alone.
struct Echo: Responder {
    func admit(_ head: RequestHead) throws(Problem) {
        guard head.method == "POST" else { throw .methodNotAllowed(["POST"]) }
    }

    func answer(_ request: Request) async throws(Problem) -> Answer {
        Answer(status: .ok, contentType: "application/octet-stream", body: request.body)
    }
}
