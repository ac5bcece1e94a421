import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

/// What a queue over its limit takes, and what it does not.
@Suite(.medium) struct AdmissionTests {
    private static let count = "SELECT count(*) FROM tasq.job"

    @Test func `A full queue takes no more, and a batch is refused whole by the first that is`()
        async throws
    {
        try await withStore { store, database in
            try await store.limit("a", depth: 3)
            try await store.limit("b", depth: 1)
            // The very first call of a process knows the limit.
            let queue = Queue(store: store)
            #expect(try await queue.refusal(of: newJobs(4, on: "a"))?.cause == .batch)
            #expect(try await queue.refusal(of: newJobs(3, on: "a")) == nil)
            let refusal = try #require(try await queue.refusal(of: newJobs(1, on: "a")))
            #expect(refusal.cause == .depth && refusal.queue.description == "a")
            #expect(refusal.level == 3 && refusal.limit.maxDepth == 3)
            #expect(try #require(refusal.retryAfter) >= .seconds(1))
            #expect(try await queue.refusal(of: newJobs(1, on: "b")) == nil)
            let several = try newJobs(1, on: "open") + newJobs(1, on: "b") + newJobs(1, on: "a")
            #expect(try await queue.refusal(of: several)?.queue.description == "b")
            #expect(try await database.execute(Self.count) == "4", "none of a refused batch")
            #expect(try await queue.refusal(of: newJobs(1, on: "open")) == nil)
        }
    }

    @Test func `Two hundred calls at once of one process take a queue to its limit and no further`()
        async throws
    {
        try await withStore { store, database in
            try await store.limit(depth: 50)
            let queue = Queue(store: store)
            let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await queue.refusal(of: newJobs(1)) != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(refused == 150)
            #expect(try await database.execute(Self.count) == "50")
        }
    }

    @Test func `Of several processes each goes over by no more than the room that it saw`()
        async throws
    {
        try await withStore { store, database in
            try await store.limit(depth: 20)
            let queues = (0..<3).map { _ in Queue(store: store) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for queue in queues {
                    for _ in 0..<60 {
                        group.addTask { _ = try await queue.refusal(of: newJobs(1)) }
                    }
                }
                try await group.waitForAll()
            }
            let stored = try #require(Int(try await database.execute(Self.count)))
            #expect((20...60).contains(stored))
            for queue in queues {
                try await eventually("each has seen what the others did") {
                    try await queue.refusal(of: newJobs(1)) != nil
                }
            }
        }
    }

    @Test func `Duplicates are answered however full the queue is`() async throws {
        try await withStore { store, database in
            try await store.limit(depth: 2)
            let queue = Queue(store: store)
            let first = try newJobs(1, uniqueKey: "k")[0]
            #expect(try await queue.enqueue(first) == .stored(first.id))
            let known = try newEvent("1")
            #expect(try await queue.accept(known) == .stored)
            #expect(try await queue.refusal(of: newJobs(1)) != nil)
            #expect(try await queue.refusal(of: newJobs(1, uniqueKey: "other")) != nil)
            #expect(try await queue.refusal(of: newEvent("2")) != nil)
            // The key is held, the event is known, and this is the same call once more.
            #expect(try await queue.enqueue(newJobs(1, uniqueKey: "k")) == [.exists(first.id)])
            #expect(try await queue.accept(newEvent("1")) == .duplicate(of: known.id))
            #expect(try await queue.enqueue(first) == .stored(first.id))
            // One that would be stored is not let in behind one that would not.
            let mixed = try newJobs(1, uniqueKey: "k") + newJobs(1)
            #expect(try await queue.refusal(of: mixed)?.cause == .depth)
            #expect(try await database.execute(Self.count) == "2")
        }
    }

    @Test func `What is in the table already is refused nothing`() async throws {
        try await withStore { store, database in
            let queue = Queue(store: store)
            let ids = try await queue.enqueue(newJobs(2)).map(\.id)
            try await database.execute(
                "UPDATE tasq.job SET status = 'error', attempt = 3, finished_at = now()")
            try await queue.schedule([schedule()])
            try await store.limit(depth: 1)
            let other = Queue(store: store)
            #expect(try await other.refusal(of: newJobs(1)) == nil)
            #expect(try await other.refusal(of: newJobs(1)) != nil)
            #expect(
                try await other.apply(.retry, to: ids).allSatisfy { $0.announcement != nil })
            #expect(try await other.run(schedule: Name("nightly")) != nil)
            try await database.execute("SELECT tasq.enqueue('noop')")
            #expect(
                try await database.execute(Self.count + " WHERE status = 'queued'") == "5")
        }
    }

    @Test func `Jobs of later do not fill a queue, and a full one refuses them`() async throws {
        try await withStore { store, _ in
            try await store.limit(depth: 1)
            let queue = Queue(store: store)
            let later = Start.after(.seconds(3600))
            #expect(try await queue.refusal(of: newJobs(50, start: later)) == nil)
            #expect(try await queue.refusal(of: newJobs(1)) == nil)
            #expect(try await queue.refusal(of: newJobs(1, start: later))?.cause == .depth)
        }
    }

    @Test func `An event of more jobs than may wait is taken when nothing waits`() async throws {
        try await withStore { store, database in
            try await store.limit(depth: 1)
            let queue = Queue(store: store)
            #expect(try await queue.refusal(of: newEvent("1", jobs: 2)) == nil)
            #expect(try await queue.refusal(of: newEvent("2", jobs: 2))?.cause == .depth)
            #expect(try await database.execute(Self.count) == "2")
        }
    }

    @Test func `A queue whose oldest job has waited for too long takes none`() async throws {
        try await withStore { store, database in
            _ = try await store.job()
            try await database.execute("UPDATE tasq.job SET run_at = now() - interval '1 minute'")
            try await store.limit(age: .seconds(30))
            let refusal = try #require(try await Queue(store: store).refusal(of: newJobs(1)))
            #expect(refusal.cause == .age)
            #expect(try #require(refusal.oldestWait) >= .seconds(60))
            try await store.limit(age: .seconds(3600))
            #expect(try await Queue(store: store).refusal(of: newJobs(1)) == nil)
        }
    }

    @Test func `A process that puts jobs in hears of a limit, of room and of the limit's end`()
        async throws
    {
        try await withStore { store, database in
            let queue = Queue(store: store)
            #expect(try await queue.refusal(of: newJobs(5)) == nil, "nobody has set one")
            try await store.limit(depth: 5)
            try await eventually("it refuses") { try await queue.refusal(of: newJobs(1)) != nil }
            try await database.execute("DELETE FROM tasq.job")
            try await eventually("it takes jobs again") {
                try await queue.refusal(of: newJobs(5)) == nil
            }
            #expect(try await queue.refusal(of: newJobs(1)) != nil)
            #expect(try await queue.clearLimit(of: .defaultQueue))
            try await eventually("it has no limit") {
                try await queue.refusal(of: newJobs(50)) == nil
            }
        }
    }

    @Test func `Where the limits cannot be read nothing is refused`() async throws {
        try await withStore { store, database in
            try await store.limit(depth: 1)
            try await database.execute("ALTER TABLE tasq.flow_limit RENAME TO elsewhere")
            #expect(try await Queue(store: store).refusal(of: newJobs(5)) == nil)
            #expect(try await database.execute(Self.count) == "5")
        }
    }

    @Test func `A call that fails gives its room back`() async throws {
        try await withStore { store, database in
            try await store.limit(depth: 2)
            let queue = Queue(store: store)
            #expect(try await queue.refusal(of: newJobs(1)) == nil)
            try await database.execute(
                "ALTER TABLE tasq.job ADD CONSTRAINT not_bad CHECK (kind <> 'bad')")
            let bad = try NewJob(kind: Name("bad"), payload: Payload(Array("{}".utf8)))
            for _ in 0..<5 {
                await #expect(throws: StoreError.self) { try await queue.enqueue(bad) }
            }
            #expect(try await queue.refusal(of: newJobs(1)) == nil)
            #expect(try await queue.refusal(of: newJobs(1)) != nil)
        }
    }
}
