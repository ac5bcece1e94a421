import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct TableSizeTests {
    @Test func `Each table has a size that grows with what it holds, long values included`()
        async throws
    {
        try await withStore { store, database in
            let before = try await sizes(in: store)
            let tables = try await database.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'tasq'")
            #expect(tables == "\(before.count)")
            // Random bytes, which nothing makes shorter.
            try await database.execute(
                """
                INSERT INTO tasq.payload (id, content_type, body)
                SELECT tasq.uuid_v7(), 'text/plain',
                    (SELECT string_agg(uuid_send(gen_random_uuid()), '')
                        FROM generate_series(1, 16384) AS m WHERE n > 0)
                FROM generate_series(1, 4) AS n
                """)
            let after = try await sizes(in: store)
            let grown = (after["payload"] ?? 0) - (before["payload"] ?? 0)
            #expect(grown >= 4 * 262_144)
            #expect(after["job"] == before["job"])
        }
    }

    @Test func `A table that somebody has locked for himself is left out, and holds up nobody`()
        async throws
    {
        try await withStore { store, database in
            let session = Session(
                settings: try PostgresSettings(url: database.url), logger: quiet)
            try await session.script("BEGIN; LOCK TABLE tasq.payload IN ACCESS EXCLUSIVE MODE")
            let locked = try await sizes(in: store)
            #expect(locked["payload"] == nil)
            #expect(locked["job"] ?? 0 > 0)
            try await session.script("COMMIT")
            #expect(try await sizes(in: store)["payload"] ?? 0 > 0)
            await session.close()
        }
    }

    private func sizes(in store: PostgresStore) async throws -> [String: Int64] {
        Dictionary(uniqueKeysWithValues: try await store.tableSizes().map { ($0.table, $0.bytes) })
    }
}
