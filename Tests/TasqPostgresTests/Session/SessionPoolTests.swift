import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct SessionPoolTests {
    @Test func `It opens no more connections than its size`() async throws {
        try await withPool(size: 3) { pool, database in
            let count = Statement(
                name: "count",
                text: """
                    SELECT count(*), pg_advisory_xact_lock_shared(1) FROM pg_stat_activity
                    WHERE application_name = '\(database.name)'
                    """)
            let gate = Session(
                settings: try PostgresSettings(url: database.directURL).patient, logger: quiet)
            try await gate.script("BEGIN; SELECT pg_advisory_xact_lock(1)")
            let counts = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<60 {
                    group.addTask { try await pool.run(count, Parameters())[0].int(0) }
                }
                try await eventually("the others wait") { pool.waiting == 57 }
                await gate.close()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts.count == 60)
            #expect(counts.allSatisfy { $0 <= 3 })
        }
    }

    @Test func `Whoever waits longest is served first`() async throws {
        try await withPool(size: 1) { pool, _ in
            let order = Record<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (release, releaser) = AsyncStream.makeStream(of: Void.self)
                let (held, holder) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    try await pool.withSession { _ in
                        holder.finish()
                        for await _ in release {}
                    }
                }
                for await _ in held {}
                for index in 0..<10 {
                    group.addTask { try await pool.withSession { _ in order.append(index) } }
                    try await eventually("it waits") { pool.waiting == index + 1 }
                }
                releaser.finish()
                try await group.waitForAll()
            }
            #expect(order.all == Array(0..<10))
        }
    }

    @Test func `Patience ends with the pool's name and size`() async throws {
        try await withPool(size: 1, { $0.patience = .milliseconds(50) }) { pool, database in
            try await pool.withSession { _ in
                let error = await failure { () throws(StoreError) in
                    try await pool.run(ping, Parameters())
                }
                #expect(error?.word == "unavailable")
                let text = error.map { "\($0)" } ?? ""
                #expect(text.contains("all 1 connections") && text.contains(database.name))
            }
            #expect(try await pool.run(ping, Parameters())[0].int(0) == 1)
        }
    }

    @Test func `A transaction left open is not the next one's`() async throws {
        try await withPool(size: 1) { pool, database in
            try await pool.withSession { session throws(StoreError) in
                try await session.script("BEGIN; CREATE TABLE half_done ()")
            }
            _ = try await pool.run(ping, Parameters())
            #expect(
                try await database.execute("SELECT to_regclass('half_done') IS NULL") == "t")
        }
    }

    @Test func `A cancelled caller still gets its write`() async throws {
        try await withPool(size: 1) { pool, _ in
            let (held, holder) = AsyncStream.makeStream(of: Void.self)
            let answer = try await withThrowingTaskGroup(of: Int64.self) { group in
                try await pool.withSession { _ in
                    group.addTask {
                        holder.finish()
                        return try await pool.run(ping, Parameters())[0].int(0)
                    }
                    for await _ in held {}
                    group.cancelAll()
                }
                return try await group.next()
            }
            #expect(answer == 1)
        }
    }

    @Test func `An outage fails calls for its length and no longer`() async throws {
        let server = try await PrivatePostgres.start(durable: false)
        let settings = try PostgresSettings(url: server.url)
        let pool = SessionPool(settings: settings, size: 4, logger: quiet)
        #expect(try await pool.run(ping, Parameters())[0].int(0) == 1)
        await server.stop(.immediate)
        for _ in 0..<5 {
            let words = await withTaskGroup(of: String?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        await failure { () throws(StoreError) in
                            try await pool.run(ping, Parameters())
                        }?.word
                    }
                }
                return await group.reduce(into: [String?]()) { $0.append($1) }
            }
            #expect(words.allSatisfy { $0 == "unavailable" }, "\(words)")
        }
        try await server.restart()
        try await eventually("it works again") {
            try await pool.run(ping, Parameters())[0].int(0) == 1
        }
        await pool.close()
        await server.stop(.immediate)
    }

    @Test func `A large statement that is refused is no outage, though its connection is closed`()
        async throws
    {
        try await withPool(size: 1) { pool, _ in
            let refused = Statement(name: "refused", text: "SELECT length($1::text) / 0")
            let large = String(repeating: "x", count: 9_000_000)
            let word = await failure { () throws(StoreError) in
                var parameters = Parameters()
                parameters.append(large)
                return try await pool.run(refused, parameters)
            }?.word
            #expect(word == "rejected 22012")
            #expect(!pool.isOut)
        }
    }

    @Test func `Closing waits for the borrowed, then refuses`() async throws {
        try await withPool(size: 2) { pool, database in
            let blocker = Session(
                settings: try PostgresSettings(url: database.directURL), logger: quiet)
            try await blocker.script("SELECT pg_advisory_lock(1)")
            let lock = Statement(name: "lock", text: "SELECT 1 FROM pg_advisory_lock(1)")
            async let answer = pool.run(lock, Parameters())
            try await database.waitUntilWaiting(for: "advisory")
            async let closing: Void = pool.close()
            try await eventually("it refuses") {
                await failure { () throws(StoreError) in
                    try await pool.run(ping, Parameters())
                } == PoolLedger.closedError
            }
            await blocker.close()
            #expect(try await answer[0].int(0) == 1)
            await closing
        }
    }
}

private let ping = Statement(name: "ping", text: "SELECT 1")

/// Runs a test with a pool on an empty database of its own.
private func withPool(
    size: Int, _ change: (inout PostgresSettings) -> Void = { _ in },
    _ body: (SessionPool, TestDatabase) async throws -> Void
) async throws {
    try await withDatabase { database in
        var settings = try PostgresSettings(url: database.directURL)
        settings.applicationName = database.name
        settings.patience = .seconds(60)
        settings.lockTimeout = .seconds(60)
        settings.statementTimeout = .seconds(60)
        change(&settings)
        let pool = SessionPool(settings: settings, size: size, logger: quiet)
        do {
            try await body(pool, database)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }
}
