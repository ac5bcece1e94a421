import FoundationEssentials
import TasqHTTP

/// Where the `http` handlers of `tasq work` deliver to: runs each job's deed and logs it.
struct Endpoint: Sendable {
    /// On 127.0.0.1.
    let port: Int

    /// Serves for as long as the body runs.
    static func serve<Result: Sendable>(
        _ log: EventLog, _ body: (Endpoint) async throws -> Result
    ) async throws -> Result {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let deeds = Deeds(log: log)
        let receiver = Receiver(onListening: { port.yield($0) }) { await answer($0, deeds) }
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await receiver.run() }
            defer { tasks.cancelAll() }
            let port = await ports.first { _ in true } ?? 0
            return try await body(Endpoint(port: port))
        }
    }

    private static func answer(_ delivery: Receiver.Delivery, _ deeds: Deeds) async -> Int {
        guard let deed = JobShape.Deed(rawValue: String(delivery.path.dropFirst())),
            let body = try? JSONDecoder().decode(
                JobShape.Body.self, from: Data(delivery.body)),
            let job = delivery.header("tasq-job-id"), let claim = delivery.header("tasq-claim"),
            let number = delivery.header("tasq-job-attempt").flatMap({ Int($0) })
        else { return 400 }
        do {
            try await deeds.run(
                Deeds.Attempt(deed: deed, body: body, job: job, claim: claim, number: number))
            return 200
        } catch {
            return 500
        }
    }
}
