import Logging
import NIOHTTP1
import ServiceLifecycle

/// Takes deliveries on a free port of 127.0.0.1, for the demonstration and for tests.
///
/// It runs until graceful shutdown or cancellation.
package struct Receiver: Service {
    /// One request.
    package struct Delivery: Sendable {
        /// As it was sent, with its leading `/`.
        package let path: String
        /// The body's bytes.
        package let body: [UInt8]
        private let headers: HTTPHeaders

        fileprivate init(_ request: Request) {
            path = request.head.path
            body = request.body
            headers = request.head.headers
        }

        /// The first value of a header.
        package func header(_ name: String) -> String? { headers.first(name: name) }
    }

    private let listener: Listener

    /// - Parameters:
    ///   - bodyBytes: Bytes a body may have.
    ///   - onListening: Gets the port, once.
    ///   - answer: Returns the status of the answer to a `POST`; it may take its time.
    package init(
        bodyBytes: Int = HTTPLimits().bodyBytes,
        onListening: @escaping @Sendable (Int) -> Void,
        answer: @escaping @Sendable (Delivery) async -> Int
    ) {
        var limits = HTTPLimits()
        limits.bodyBytes = bodyBytes
        // Whoever tests slow receivers has many of them at once.
        limits.inFlight = limits.connections
        listener = Listener(
            address: ListenAddress(host: "127.0.0.1", port: 0), limits: limits,
            responder: Reply(answer: answer), meters: HTTPMeters(),
            logger: Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() },
            onListening: { onListening($0.port) })
    }

    package func run() async throws {
        try await listener.run()
    }

    private struct Reply: Responder {
        let answer: @Sendable (Delivery) async -> Int

        func admit(_ head: RequestHead) throws(Problem) {
            guard head.method == "POST" else { throw .methodNotAllowed(["POST"]) }
        }

        func answer(_ request: Request) async throws(Problem) -> Answer {
            let status = await answer(Delivery(request))
            return Answer(
                status: HTTPResponseStatus(statusCode: status), contentType: "text/plain", body: [])
        }
    }
}
