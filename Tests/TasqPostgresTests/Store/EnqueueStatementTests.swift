import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

private struct Mail: Job {
    static let kind = "mail"
    static let queue = "post"
    static let priority = 2
    static let maxAttempts = 7
    let to: String

    func run(_ context: JobContext) async throws {}
}

/// What the statement says without any server.
@Suite struct EnqueueStatementTextTests {
    @Test func `One text serves all jobs with JSON, and their values stand beside it`() throws {
        let first = try EnqueueStatement(Mail(to: "a"))
        let second = try EnqueueStatement(
            Mail(to: "it's"), after: .seconds(5), uniqueKey: "k", uniqueWhile: .queued,
            onConflict: .replace)
        #expect(first.sql == second.sql && first.sql.hasPrefix("SELECT tasq.enqueue("))
        #expect(!first.sql.contains("--"))
        #expect(
            second.parameters.starts(with: [
                "mail", #"{"to":"it's"}"#, nil, "5000000", "k", "queued", "replace", "post", "2",
                "7", nil,
            ]))
        let all = 1...second.parameters.count
        #expect(all.allSatisfy { first.sql.contains("$\($0)::") })
        #expect(
            try EnqueueStatement(Mail(to: "a"), schema: "jobs").sql.hasPrefix(
                "SELECT jobs.enqueue("))
    }

    @Test func `What the function cannot store is refused before it is sent`() throws {
        func refusal(_ payload: Payload, schema: String = "tasq") throws -> String? {
            let job = try NewJob(kind: Name("mail"), payload: payload)
            do throws(InvalidInput) {
                _ = try EnqueueStatement(job, schema: schema)
                return nil
            } catch {
                return error.field
            }
        }
        #expect(try refusal(Payload(Array("{}".utf8))) == nil)
        #expect(try refusal(Payload(Array("{}".utf8)), schema: "a; b") == "schema")
        #expect(try refusal(Payload([0xFF])) == "payload")
        #expect(try refusal(Payload(Array("\"a\0\"".utf8))) == "payload")
        #expect(try refusal(Payload([0xFF], contentType: "application/octet-stream")) == nil)
        #expect(try refusal(Payload([], contentType: "text/plain")) == "content_type")
        #expect(
            try refusal(Payload(Array("{}".utf8), headers: [.init(name: "a", value: "b")]))
                == "headers")
        #expect(throws: InvalidInput.self) { try EnqueueStatement(Mail(to: ""), priority: 9) }
    }
}

/// What the statement stores, in psql and by a driver that names the types of its values.
@Suite(.medium) struct EnqueueStatementTests {
    private static let columns = """
        SELECT j.queue, j.kind, j.status, j.priority, j.max_attempts, j.key, j.unique_key,
            j.attempt, extract(epoch FROM j.run_at - j.enqueued_at)::int, p.content_type, p.headers, p.body
        FROM tasq.job AS j JOIN tasq.payload AS p ON p.id = j.payload_id
        """

    @Test func `It stores the rows that an enqueue stores`() async throws {
        try await withStore { store, database in
            let queue = Queue(store: store)
            let hour = Duration.seconds(3600)
            let calls: [(Mail, Duration?, String?, String?)] = [
                (Mail(to: "ada"), nil, nil, nil), (Mail(to: "it's \\ $1"), hour, "k", "u"),
                (Mail(to: "ü\u{1F600}"), .zero, "k", nil),
            ]
            for (mail, delay, key, unique) in calls {
                let id = try await queue.enqueue(
                    mail, after: delay, priority: 0, key: key, uniqueKey: unique)
                let rows = try await database.execute(Self.columns)
                try await database.execute("DELETE FROM tasq.job; DELETE FROM tasq.unique_key")
                let other = try await database.enqueue(
                    EnqueueStatement(mail, after: delay, priority: 0, key: key, uniqueKey: unique))
                #expect(try await database.execute(Self.columns) == rows)
                #expect(try #require(JobID(other)) != id)
                try await database.execute("DELETE FROM tasq.job; DELETE FROM tasq.unique_key")
            }
        }
    }

    @Test func `The job is there if and only if the transaction commits`() async throws {
        try await withStore { _, database in
            let statement = try EnqueueStatement(Mail(to: "ada"))
            let jobs = "SELECT count(*) FROM tasq.job"
            _ = try await database.enqueue(statement, andThen: "ROLLBACK")
            #expect(try await database.execute(jobs) == "0")
            let id = try await database.enqueue(statement)
            #expect(try await database.execute("SELECT id FROM tasq.job") == id)
        }
    }

    @Test func `On a connection of libpq it joins the transaction that is open there`()
        async throws
    {
        try await withStore { _, database in
            let target = try #require(ConnectionTarget(url: database.url, defaults: []))
            let connection = try Connection(to: target, timeout: .seconds(60).onThisMachine)
            let jobs = "SELECT count(*) FROM tasq.job"
            let statement = try EnqueueStatement(Mail(to: "it's \\ ü"), uniqueKey: "k")
            for (end, count) in [("ROLLBACK", "0"), ("COMMIT", "1")] {
                _ = try connection.script("BEGIN", until: nil)
                let id = unsafe try statement.run(on: connection.handle)
                // What holds the unique key is this very job.
                let again = unsafe try statement.run(on: connection.handle)
                #expect(again == id)
                #expect(try await database.execute(jobs) == "0")
                _ = try connection.script(end, until: nil)
                #expect(try await database.execute(jobs) == count)
                let found = try await database.execute("SELECT id FROM tasq.job")
                #expect(found == (count == "1" ? id.description : ""))
            }
            let absent = try EnqueueStatement(Mail(to: "a"), schema: "absent")
            var refusal: StoreError?
            do throws(StoreError) {
                _ = unsafe try absent.run(on: connection.handle)
            } catch {
                refusal = error
            }
            guard case .misconfigured(let reason)? = refusal else {
                Issue.record("\(refusal as Any)")
                return
            }
            #expect(reason.contains("/\(database.name): "), "\(reason)")
            #expect(reason.contains("tasq migrate"), "\(reason)")
        }
    }

    @Test func `Values may be of type text, times are exact, and bytes stay bytes`() async throws {
        try await withStore { store, database in
            let time = Timestamp(microseconds: Timestamp.now.microseconds + 3_600_000_007)
            let bytes = try NewJob(
                kind: Name("raw"), start: .at(time),
                payload: Payload([0, 255, 39, 92], contentType: "application/octet-stream"))
            let statements = try [
                EnqueueStatement(Mail(to: "ada"), at: time), EnqueueStatement(bytes),
            ]
            for (number, statement) in statements.enumerated() {
                var parameters = Parameters()
                for value in statement.parameters { parameters.append(value) }
                let rows = try await store.pool.run(
                    Statement(name: "own_\(number)", text: statement.sql), parameters)
                let id: JobID = try #require(rows.first).id(0)
                #expect(try await store.job(id)?.runAt == time)
            }
            #expect(
                try await database.execute(
                    "SELECT encode(body, 'hex') FROM tasq.payload "
                        + "WHERE content_type = 'application/octet-stream'") == "00ff275c")
        }
    }

    @Test func `Unique keys go by their policies`() async throws {
        try await withStore { _, database in
            let first = try await database.enqueue(
                EnqueueStatement(Mail(to: "a"), uniqueKey: "k"))
            let kept = try await database.enqueue(EnqueueStatement(Mail(to: "b"), uniqueKey: "k"))
            #expect(kept == first)
            let moved = try await database.enqueue(
                EnqueueStatement(
                    Mail(to: "c"), after: .seconds(60), uniqueKey: "k", onConflict: .reschedule))
            #expect(moved == first)
            let replacing = try await database.enqueue(
                EnqueueStatement(Mail(to: "d"), uniqueKey: "k", onConflict: .replace))
            #expect(replacing != first)
            try await database.execute(
                "UPDATE tasq.job SET status = 'executing' WHERE id = '\(replacing)'")
            let next = try await database.enqueue(
                EnqueueStatement(Mail(to: "e"), uniqueKey: "k", uniqueWhile: .queued))
            #expect(next != replacing)
            #expect(
                try await database.execute("SELECT status FROM tasq.job ORDER BY id")
                    == "cancelled\nexecuting\nqueued")
        }
    }

    @Test func `A role that may enqueue and nothing else runs it, in a schema of any name`()
        async throws
    {
        try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
            let store = PostgresStore(
                try PostgresSettings(url: database.url, schema: "of_app"), logger: quiet)
            try await store.migrate()
            let role = "r\(database.name)"
            try await database.execute("CREATE ROLE \(role)")
            // As `tasq migrate --grant ROLE` does.
            try await store.grant([Grant(role)])
            await store.close()
            let statement = try EnqueueStatement(Mail(to: "ada"), schema: "of_app")
            let id = try await database.enqueue(statement, after: "SET LOCAL ROLE \(role)")
            #expect(try await database.execute("SELECT id FROM of_app.job") == id)
            try await database.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }
}

extension TestDatabase {
    /// Runs the statement in a transaction of psql's, which names no types, and returns the id.
    fileprivate func enqueue(
        _ statement: EnqueueStatement, after before: String = "",
        andThen end: String = "COMMIT"
    ) async throws -> String {
        let values = statement.parameters.map { value in
            value.map { "'" + $0.replacing("'", with: "''") + "'" } ?? "NULL"
        }
        return try await execute(
            """
            PREPARE own AS \(statement.sql);
            BEGIN; \(before.isEmpty ? "" : before + ";")
            EXECUTE own(\(values.joined(separator: ", ")));
            \(end)
            """)
    }
}
