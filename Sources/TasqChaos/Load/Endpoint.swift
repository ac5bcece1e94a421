import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle

/// Where the `http` handlers of `tasq work` deliver to: runs each job's deed and logs it.
struct Endpoint: Sendable {
    /// On 127.0.0.1.
    let port: Int

    /// Serves for as long as the body runs.
    static func serve<Result: Sendable>(
        _ log: EventLog, _ body: (Endpoint) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "endpoint") { _ in SwiftLogNoOpLogHandler() }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router(Deeds(log: log)),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(services: [application], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            defer { tasks.cancelAll() }
            let port = await ports.first { _ in true } ?? 0
            return try await body(Endpoint(port: port))
        }
    }

    private static func router(_ deeds: Deeds) -> Router<BasicRequestContext> {
        let router = Router()
        router.post("{deed}") { request, context -> HTTPResponse.Status in
            let bytes = try await request.body.collect(upTo: 65_536)
            guard let deed = context.parameters.get("deed").flatMap(JobShape.Deed.init),
                let body = try? JSONDecoder().decode(
                    JobShape.Body.self, from: Data(bytes.readableBytesView)),
                let job = header("tasq-job-id", request),
                let claim = header("tasq-claim", request),
                let number = header("tasq-job-attempt", request).flatMap({ Int($0) })
            else { return .badRequest }
            do {
                try await deeds.run(
                    Deeds.Attempt(deed: deed, body: body, job: job, claim: claim, number: number))
                return .ok
            } catch {
                return .internalServerError
            }
        }
        return router
    }

    private static func header(_ name: String, _ request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }
}
