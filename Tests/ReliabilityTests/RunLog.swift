import Logging
import ServiceLifecycle
import Synchronization
import Tasq
import TasqHTTP
import TasqTesting

/// An endpoint that notes every run of a job from its first to its last moment.
final class RunLog: Sendable {
    struct Run: Sendable {
        let job: JobID
        let claim: ClaimToken
        let attempt: Int
        let start: ContinuousClock.Instant
        var end: ContinuousClock.Instant?
    }

    private struct State {
        var runs: [Run] = []
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var runs: [Run] { state.withLock { $0.runs } }
    var count: Int { state.withLock { $0.runs.count } }

    /// First attempts that arrive from now on wait until ``release()``.
    func hold() {
        state.withLock { $0.isHolding = true }
    }

    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for run in held { run.resume() }
    }

    /// Pairs of runs of one job that overlapped.
    var overlaps: Int {
        Dictionary(grouping: runs, by: \.job).values.reduce(0) { count, runs in
            let ordered = runs.sorted { $0.start < $1.start }
            return count
                + zip(ordered, ordered.dropFirst()).count { first, second in
                    first.end.map { second.start < $0 } ?? true
                }
        }
    }

    fileprivate func begin(_ job: JobID, _ claim: ClaimToken, _ attempt: Int) async -> Int {
        let index = state.withLock { state in
            state.runs.append(
                Run(job: job, claim: claim, attempt: attempt, start: .now, end: nil))
            return state.runs.count - 1
        }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                guard state.isHolding, attempt == 1 else { return false }
                state.held.append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
        return index
    }

    fileprivate func end(_ index: Int) {
        state.withLock { $0.runs[index].end = .now }
    }

    /// Serves `POST /run` on a free loopback port for as long as the body runs.
    func served<Result: Sendable>(
        _ body: (_ port: Int) async throws -> Result
    ) async throws -> Result {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let receiver = Receiver(onListening: { port.yield($0) }) { delivery in
            guard let job = delivery.header("tasq-job-id").flatMap({ JobID($0) }),
                let claim = delivery.header("tasq-claim").flatMap({ ClaimToken($0) }),
                let attempt = delivery.header("tasq-job-attempt").flatMap({ Int($0) })
            else { return 400 }
            let index = await self.begin(job, claim, attempt)
            self.end(index)
            return 200
        }
        let group = ServiceGroup(
            services: [receiver], logger: Logger(label: "runs") { _ in SwiftLogNoOpLogHandler() })
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = await ports.first { _ in true } ?? 0
            do {
                let result = try await body(port)
                release()
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return result
            } catch {
                release()
                await group.triggerGracefulShutdown()
                throw error
            }
        }
    }
}
