import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// Puts itself in again, one less, and fails at zero.
private struct Countdown: Job {
    static let kind = "countdown"
    static let queue = "rocket"
    static let retry = RetryPolicy(base: .seconds(3600))
    var left: Int

    @TaskLocal static var queues: Queue?

    func run(_ context: JobContext) async throws {
        guard left != 0 else { throw TestingError.failed("no fuel") }
        try await Self.queues?.enqueue(Countdown(left: left - 1))
    }
}

@Suite(.medium) struct DrainTests {
    @Test func `What is due runs until nothing is, with what it puts in, and is written`()
        async throws
    {
        try await withStore { store in
            let queue = Queue(store: store)
            let first = try await queue.enqueue(Countdown(left: 2))
            let later = try await queue.enqueue(Countdown(left: 9), after: .seconds(3600))
            let other = try await queue.enqueue(Countdown(left: 9), queue: "other")
            let drained = try await Countdown.$queues.withValue(queue) {
                try await store.drain("rocket", running: [Countdown.self])
            }
            #expect(drained.map(\.job.id).first == first)
            #expect(drained.prefix(2).map(\.outcome) == [.success, .success])
            guard drained.count == 3, case .retry(_, "no fuel") = drained[2].outcome else {
                Issue.record("\(drained)")
                return
            }
            #expect(try await store.job(first)?.status == .success)
            let failed = try await store.job(drained[2].job.id)
            #expect(failed?.status == .scheduled && failed?.reason == "no fuel")
            #expect(try await store.job(later)?.status == .scheduled)
            #expect(try await store.job(other)?.status == .queued)
            #expect(try await store.workers().isEmpty)
            #expect(try await store.drain("rocket", running: [Countdown.self]).isEmpty)
        }
    }

    @Test func `Jobs that go on for ever are noticed, and none is left claimed`() async throws {
        try await withStore { store in
            let queue = Queue(store: store)
            try await queue.enqueue(Countdown(left: -1))
            await #expect(throws: TestingError.self) { () async throws in
                try await Countdown.$queues.withValue(queue) {
                    _ = try await store.drain("rocket", running: [Countdown.self], limit: 5)
                }
            }
            #expect(try await store.workers().isEmpty)
            let left = try await store.enqueued(Countdown.self)
            #expect(left.map(\.job.left) == [-6] && left.map(\.record.attempt) == [0])
        }
    }

    @Test func `What waits is found by its type, queue and values, and what does not is told`()
        async throws
    {
        try await withStore { store in
            let queue = Queue(store: store)
            for left in 1...3 { try await queue.enqueue(Countdown(left: left)) }
            try await queue.enqueue(Countdown(left: 4), after: .seconds(60), queue: "other")
            #expect(try await store.enqueued(Countdown.self).map(\.job.left) == [1, 2, 3, 4])
            let second = try await store.expectEnqueued(Countdown.self) { $0.left == 2 }
            #expect(second.record.queue.description == "rocket" && second.job.left == 2)
            let other = try await store.expectEnqueued(Countdown.self, on: "other")
            #expect(other.record.status == .scheduled && other.job.left == 4)
            for (call, told) in [
                (9, "none of the 3 jobs of the kind countdown that wait on the queue rocket"),
                (0, "left: 1"),
            ] {
                let error = await #expect(throws: TestingError.self) { () async throws in
                    _ = try await store.expectEnqueued(Countdown.self, on: "rocket") {
                        $0.left == call
                    }
                }
                #expect("\(error.map { "\($0)" } ?? "")".contains(told))
            }
            try await store.drain("rocket", running: [Countdown.self])
            await #expect(throws: TestingError.self) { () async throws in
                _ = try await store.expectEnqueued(Countdown.self, on: "rocket")
            }
        }
    }

    private func withStore(_ body: (PostgresStore) async throws -> Void) async throws {
        let open: @Sendable (String) throws -> PostgresStore = { url in
            PostgresStore(try PostgresSettings(url: url), logger: Logger(label: "drain"))
        }
        try await TestDatabase.with(
            template: "drain",
            migrate: { url in
                let store = try open(url)
                try await store.migrate()
                await store.close()
            }
        ) { database in
            let store = try open(database.url)
            try await body(store)
            await store.close()
        }
    }
}
