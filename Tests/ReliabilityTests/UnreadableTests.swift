import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// A program before tables that it was not made for.
@Suite(.medium) struct UnreadableTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func `A worker that cannot read what it has claimed gives it back and ends`()
        async throws
    {
        try await TestDatabase.with(migrate: migrated) { database in
            let column = "octet_length(p.body)::bigint AS bytes"
            let store = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: logger
            ) { statement in
                guard statement.name == "tasq_sweep" else { return statement }
                precondition(statement.text.contains(column), "the column no longer fits")
                return Statement(
                    name: statement.name,
                    text: statement.text.replacing(column, with: "'a few of them'::text AS bytes"))
            }
            let job = try NewJob(kind: Name("noop"), payload: Payload(Array("{}".utf8)))
            _ = try await store.enqueue([job])
            var handlers = HandlerTable()
            try handlers.add("noop", Handler { _ in })
            let worker = Worker(
                store: store, handlers: handlers, settings: try WorkerSettings(), logger: logger)
            let error = await #expect(throws: StoreError.self) { try await worker.run() }
            await store.close()
            let reason = "statement tasq_sweep, column 15 (bytes): not a value of the type bigint"
            #expect(error == .unreadable(reason))
            let state = "SELECT status, attempt, handbacks, crashes FROM tasq.job"
            #expect(try await database.execute(state) == "queued|0|1|0")
            #expect(try await database.execute("SELECT count(*) FROM tasq.worker") == "0")
        }
    }
}
