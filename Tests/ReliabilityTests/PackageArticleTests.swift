import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

// What stands between `// example` and `// end` in this file is, line by line, what the README shows of a
// package of one's own, but for imports and sizes of tests; DocumentTests compares them, and
// LongPackageTests builds that package.

// example
struct SendReceipt: Job {
    static let kind = "send-receipt"
    let order: Int

    func run(_ context: JobContext) async throws {
        guard order > 0 else { throw Outcome.fail("there is no such order") }
        context.logger.info("sent the receipt for order \(order)")
    }
}

/// A transaction of the driver you use: runs SQL with the values of $1, $2 …, returns the first column.
protocol Transaction {
    func query(_ sql: String, _ values: [String?]) async throws -> String?
}

/// Stores an order and the job that belongs to it, both or neither; returns the job's id.
func place(order: Int, in transaction: some Transaction) async throws -> String? {
    _ = try await transaction.query("INSERT INTO orders (id) VALUES ($1::int)", ["\(order)"])
    let job = try EnqueueStatement(SendReceipt(order: order), uniqueKey: "receipt-\(order)")
    return try await transaction.query(job.sql, job.parameters)
}
// end

// example
@Suite(.medium) struct ReceiptsTests {
    @Test func `A receipt is sent, but not for an order that is none`() async throws {
        #expect(try await SendReceipt(order: 42).runInline() == .success)
        #expect(try await SendReceipt(order: 0).runInline() == .fail("there is no such order"))
    }

    @Test func `A receipt that is put in waits until it is sent`() async throws {
        let database = try await TestDatabase.make(template: "receipts", migrate: Self.migrate)
        let store = try Self.store(at: database.url)
        try await Queue(store: store).enqueue(SendReceipt(order: 42))
        try await store.expectEnqueued(SendReceipt.self) { $0.order == 42 }
        let drained = try await store.drain(running: [SendReceipt.self])
        #expect(drained.map(\.outcome) == [.success])
        #expect(try await store.enqueued(SendReceipt.self).isEmpty)
        await store.close()
        try await database.drop()
    }

    /// Makes what each test is given a copy of, on a private PostgreSQL that ends with the process.
    @Sendable private static func migrate(_ url: String) async throws {
        let store = try Self.store(at: url)
        try await store.migrate()
        await store.close()
    }

    private static func store(at url: String) throws -> PostgresStore {
        PostgresStore(try PostgresSettings(url: url), logger: Logger(label: "receipts"))
    }
}
// end

/// A session as somebody's driver, which binds every value as text.
extension Session: Transaction {
    func query(_ sql: String, _ values: [String?]) async throws -> String? {
        var parameters = Parameters()
        for value in values { parameters.append(value) }
        let name = "own_\(UInt(bitPattern: sql.hashValue))"
        return try run(Statement(name: name, text: sql), parameters)
            .column(of: JobID.self).first?.description
    }
}

@Suite(.medium) struct OwnTransactionTests {
    private let logger = Logger(label: "receipts") { _ in SwiftLogNoOpLogHandler() }

    @Test func `An order and its job are stored together or not at all, and the job is run`()
        async throws
    {
        try await TestDatabase.with(template: "article", migrate: { _ in }) { database in
            let settings = try PostgresSettings(url: database.url).patient
            let store = PostgresStore(settings, logger: logger)
            try await store.migrate()
            try await database.execute("CREATE TABLE orders (id int)")
            let session = Session(settings: settings, logger: logger)
            var ids: [String?] = []
            for (order, end) in [(1, "ROLLBACK"), (2, "COMMIT"), (2, "COMMIT")] {
                try await session.script("BEGIN")
                ids.append(try await place(order: order, in: session))
                try await session.script(end)
            }
            await session.close()
            #expect(try await database.execute("SELECT id FROM orders") == "2\n2")
            // The second receipt for the order met the first, which waits.
            let jobs = try await store.enqueued(SendReceipt.self)
            #expect(jobs.map(\.job.order) == [2])
            #expect(ids[1] == ids[2] && ids[1] == jobs.first?.record.id.description)

            let worker = try Worker(
                of: Queue(store: store), running: [SendReceipt.self], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await worker.run() }
                try await eventually("the receipt is sent") {
                    try await store.job(jobs[0].record.id)?.status == .success
                }
                tasks.cancelAll()
                while let result = await tasks.nextResult() { _ = result }
            }
            await store.close()
        }
    }
}
