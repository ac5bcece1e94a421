import Synchronization
import TasqTesting
import TestSizes
import Testing

@Suite(.medium) struct TestDatabaseTests {
    @Sendable static func migrate(_ url: String) async throws {
        let name = url.split(separator: "/").last.map(String.init) ?? ""
        try await TestServers.postgres().execute("CREATE TABLE thing (n int)", in: name)
    }

    @Test func `Each has the template's tables and its own rows`() async throws {
        let server = try await TestServers.postgres()
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await TestDatabase.with(template: "things", migrate: Self.migrate) { own in
                        try await own.execute("INSERT INTO thing VALUES (\(number))")
                        #expect(try await own.execute("SELECT n FROM thing") == "\(number)")
                        return own.name
                    }
                }
            }
            var names: Set<String> = []
            for try await name in group { names.insert(name) }
            #expect(names.count == 8)
            let left = try await server.execute("SELECT datname FROM pg_database")
            #expect(names.allSatisfy { !left.contains($0) })
        }
    }

    private static let migrations = Mutex(0)

    @Test func `The template is migrated once, however many ask for it`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await TestDatabase.with(
                        template: "once",
                        migrate: { _ in Self.migrations.withLock { $0 += 1 } }
                    ) { own in
                        let answer = try await own.execute("SELECT 1")
                        #expect(answer == "1")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(Self.migrations.withLock { $0 } == 1)
    }

    @Test func `A migration that fails fails the test and is tried again`() async throws {
        struct Refused: Error {}
        await #expect(throws: Refused.self) {
            try await TestDatabase.make(template: "flaky", migrate: { _ in throw Refused() })
        }
        try await TestDatabase.with(template: "flaky", migrate: Self.migrate) { own in
            let count = try await own.execute("SELECT count(*) FROM thing")
            #expect(count == "0")
        }
    }

    @Test func `It is dropped though the test throws and a session is open`() async throws {
        struct Failure: Error {}
        let server = try await TestServers.postgres()
        let name = Mutex("")
        await #expect(throws: Failure.self) {
            try await TestDatabase.with(template: "things", migrate: Self.migrate) { own in
                name.withLock { $0 = own.name }
                let session = try await ChildProcess.start(
                    "psql",
                    ["-XAt", "-d", own.url, "-c", "SELECT 'in'", "-c", "SELECT pg_sleep(999)"])
                _ = try await session.waitForLine(containing: "in")
                throw Failure()
            }
        }
        let left = try await server.execute("SELECT datname FROM pg_database")
        #expect(!left.contains(name.withLock { $0 }))
    }
}
