import TasqTesting
import TestSizes
import Testing

/// What anybody may put into `tasq.enqueue` and, by hand, into the tables.
@Suite(.medium) struct SQLBadInputTests {
    @Test func `What is no job is refused by a rule, and no row is left`() async throws {
        let names = [
            "''", "'a b'", "'../x'", "'q;drop table tasq.job--'", "''''", "'%s%n'", "'{}'",
            "E'a\\nb'", "E'a\\n'", "'ü'", "'😀'", "'*'", "'__proto__ '", "repeat('x', 101)",
            "repeat('x', 10240)", "NULL",
        ]
        var calls = names.flatMap { ["tasq.enqueue(\($0))", "tasq.enqueue('a', queue => \($0))"] }
        for value in ["-1", "4", "2147483647", "NULL"] {
            calls.append("tasq.enqueue('a', priority => \(value))")
        }
        for value in ["-1", "0", "1001", "2147483647"] {
            calls.append("tasq.enqueue('a', max_attempts => \(value))")
        }
        for value in [
            "'infinity'", "'-infinity'", "'1970-01-01'", "'4713-01-01 BC'", "'294276-12-31'",
            "(now() + interval '101 years')", "NULL",
        ] { calls.append("tasq.enqueue('a', run_at => \(value)::timestamptz)") }
        for value in ["''", "repeat('k', 201)", "repeat('ü', 101)"] {
            calls.append("tasq.enqueue('a', key => \(value))")
            calls.append("tasq.enqueue('a', unique_key => \(value))")
        }
        // Refused by PostgreSQL itself, before the function is called.
        let foreign = [
            "tasq.enqueue('a', '{')", "tasq.enqueue('a', '')",
            "tasq.enqueue('a', '{\"a\":\"\\u0000\"}')",
            "tasq.enqueue('a', '{\"a\":\"\\ud800\"}')", "tasq.enqueue('a', priority => 2147483648)",
            "tasq.enqueue('a', run_at => '294277-01-01')",
            "tasq.enqueue('a', run_at => '2026-02-30')",
            "tasq.enqueue('a', '1E+1000000')", "tasq.enqueue(E'a\\000b')",
            "tasq.enqueue('a', repeat('[', 20000)::jsonb)",
        ]
        calls.append("tasq.enqueue('a', NULL)")
        calls.append("tasq.enqueue('a', to_jsonb(repeat('x', 1048577)))")
        try await withStore { _, database in
            for call in calls + foreign {
                let error = await #expect(throws: TestingError.self, "\(call)") {
                    () async throws in
                    _ = try await database.execute("SELECT \(call)")
                }
                guard !foreign.contains(call) else { continue }
                #expect("\(error.map { "\($0)" } ?? "")".contains(" must "), "\(call)")
            }
            let rows = try await database.execute(
                """
                SELECT (SELECT count(*) FROM tasq.job), (SELECT count(*) FROM tasq.payload),
                    (SELECT count(*) FROM tasq.unique_key)
                """)
            #expect(rows == "0|0|0")
        }
    }

    @Test func `What is strange but allowed is stored as it is`() async throws {
        try await withStore { _, database in
            for call in [
                "tasq.enqueue('__proto__')",
                "tasq.enqueue('a', key => '''; DROP TABLE tasq.job; --')",
                "tasq.enqueue('a', key => E'a\\nb', unique_key => '😀')",
                "tasq.enqueue('a', '1e400')", "tasq.enqueue('a', 'null')",
                "tasq.enqueue(repeat('x', 100), queue => repeat('y', 100))",
                "tasq.enqueue('a', run_at => now() - interval '364 days')",
                "tasq.enqueue('a', run_at => '2038-01-19 03:14:08+00')",
            ] {
                let id = try await database.execute("SELECT \(call)")
                #expect(id.utf8.count == 36, "\(call)")
            }
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "8")
        }
    }

    @Test(arguments: [
        "queue = 'a b'", "kind = ''", "priority = 4", "priority = -1", "max_attempts = 0",
        "max_attempts = 1001", "attempt = 21", "attempt = -1", "status = 'success'",
        "finished_at = now()", "status = 'done'", "queue = NULL", "run_at = NULL",
    ])
    func `The tables themselves refuse a row that is no job`(change: String) async throws {
        try await withStore { _, database in
            try await database.execute("SELECT tasq.enqueue('a')")
            await #expect(throws: TestingError.self) { () async throws in
                _ = try await database.execute("UPDATE tasq.job SET \(change)")
            }
            let row = try await database.execute("SELECT kind, queue, status FROM tasq.job")
            #expect(row == "a|default|queued")
        }
    }
}
