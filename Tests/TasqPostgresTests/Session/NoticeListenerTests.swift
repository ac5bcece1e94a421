import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct NoticeListenerTests {
    @Test func `Notices come through, malformed ones do not`() async throws {
        try await withDatabase { database in
            let id = JobID()
            let stream = commitNotices(
                settings: try settings(database), channel: "tasq", logger: quiet)
            try await database.waitUntilListening()
            try await database.execute(
                """
                SELECT pg_notify('tasq', 'nonsense');
                SELECT pg_notify('tasq', '\(id) 9 mail');
                SELECT pg_notify('tasq', '\(id) 1 two words');
                SELECT pg_notify('other', '\(id) 1 mail');
                SELECT pg_notify('tasq', '\(id) 2 mail')
                """)
            var iterator = stream.makeAsyncIterator()
            let first = await iterator.next()
            #expect(
                try first
                    == Announcement(id: id, queue: Name("mail"), priority: Priority(2)))
        }
    }

    @Test func `The stream ends with its connection`() async throws {
        try await withDatabase { database in
            let stream = commitNotices(
                settings: try settings(database), channel: "tasq", logger: quiet)
            try await database.waitUntilListening()
            try await database.signal("pg_terminate_backend")
            for await _ in stream {}
        }
    }

    @Test func `The connection ends with its reader`() async throws {
        try await withDatabase { database in
            do {
                let stream = commitNotices(
                    settings: try settings(database), channel: "tasq", logger: quiet)
                try await database.waitUntilListening()
                _ = stream
            }
            try await eventually("the connection is closed") {
                try await database.execute(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = '\(database.name)' AND pid <> pg_backend_pid()
                    """) == "0"
            }
        }
    }

    @Test func `It ends at once behind a pooler, without a server and with a strange channel`()
        async throws
    {
        try await withDatabase { database in
            var pooled = try settings(database)
            pooled.assumesPooler = true
            for await _ in commitNotices(settings: pooled, channel: "tasq", logger: quiet) {}
            let nowhere = try PostgresSettings(url: "postgres://127.0.0.1:1/d")
            for await _ in commitNotices(settings: nowhere, channel: "tasq", logger: quiet) {}
            let strange = "tasq; DROP"
            for await _ in commitNotices(
                settings: try settings(database), channel: strange, logger: quiet)
            {}
        }
    }

    private func settings(_ database: TestDatabase) throws -> PostgresSettings {
        var settings = try PostgresSettings(url: database.directURL)
        settings.applicationName = database.name
        return settings
    }
}

extension TestDatabase {
    /// Waits until this test's listener listens.
    fileprivate func waitUntilListening() async throws {
        try await eventually("it listens") {
            try await execute(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = '\(name)' AND state = 'idle' AND query LIKE 'LISTEN%'
                """) != "0"
        }
    }
}
