import Foundation
import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The interface as it is against the table of it.
@Suite(.medium) struct InterfaceTests {
    @Test func `Every command has its trial, and every trial its command`() async throws {
        let commands = try await ProgramHelp.commands()
        expectSame(Set(commands.map(\.name)), Set(Interface.commands.keys))
        for (command, trial) in Interface.commands {
            try expect(trial, toSpeakOf: command.split(separator: " ").map { ["\"\($0)\""] })
        }
    }

    @Test func `Every command takes the options all take, and each of its own is used by a test`()
        async throws
    {
        // These print what happens, or a stream of it; bench has no configuration.
        let streams: Set = ["serve", "work", "dev"]
        var flags: Set<String> = []
        for (name, help) in try await ProgramHelp.commands() {
            flags.formUnion(help.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
            if !streams.contains(name) { #expect(help.contains("--json"), "\(name)") }
            if name == "bench" { continue }
            for option in [
                "--config", "--database-url", "--redis-url", "--log-level", "--log-format",
            ] {
                #expect(help.contains(option), "\(name) \(option)")
            }
        }
        let used = try TestSource.flags(below: ["TasqCLITests", "ReliabilityTests"])
        #expect(flags.subtracting(used).sorted() == [], "no test gives these to the program")
    }

    @Test func `Every route has its trial, and every trial its route`() throws {
        let store = PostgresStore(
            try PostgresSettings(url: "postgres://127.0.0.1:1/none"), logger: quiet)
        let server = try AdminServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), tokens: [],
            queue: Queue(store: store), catalog: store, readiness: Readiness(),
            meters: HTTPMeters(), logger: quiet)
        let routes = server.routes.map { "\($0.method) \($0.path.joined(separator: "/"))" }
        expectSame(Set(routes), Set(Interface.adminRoutes.keys))
        let all = Interface.adminRoutes.merging(Interface.ingestRoutes) { $1 }
        for (route, trial) in all {
            let (method, path) = (route.prefix { $0 != " " }, route.drop { $0 != "/" })
            // The parts between variables: of /v1/jobs/{id}/retry, /v1/jobs/ and /retry, which may
            // be made of a word.
            let parts = path.split(separator: /\{[a-z]+\}/).map(String.init)
            let ends = parts.dropFirst().map { [$0, "\"\($0.dropFirst())\""] }
            try expect(trial, toSpeakOf: [["\"\(method)"], [parts[0]]] + ends)
        }
    }

    @Test func `Every exit code, and every answer to a webhook, has its trial`() throws {
        let codes = try numbers(in: Document.readme, below: "\n| code | |\n")
        expectSame(codes, Set(Interface.exitCodes.keys.map { "\($0)" }))
        for (code, trial) in Interface.exitCodes {
            try expect(trial, toSpeakOf: [[".code(\(code))", ", \(code), "]])
        }
        let webhooks = try #require(Document.articles.first { $0.path.hasSuffix("/Webhooks.md") })
        let answers = try numbers(in: webhooks, below: "\n| answer | when |\n")
        expectSame(answers, Set(Interface.ingestAnswers.keys.map { "\($0)" }))
        for (answer, trial) in Interface.ingestAnswers {
            try expect(trial, toSpeakOf: [["== \(answer)", ", \(answer))", "\"\(answer)\""]])
        }
    }

    /// The numbers in a table's first column.
    private func numbers(in document: Document, below heading: String) throws -> Set<String> {
        let text = try document.text()
        let start = try #require(text.firstRange(of: heading)?.upperBound)
        let rows = text[start...].split(separator: "\n").prefix { $0.hasPrefix("|") }
        let columns = rows.compactMap { row in row.split(separator: "|").first }
        let found = columns.flatMap { column in column.matches(of: /\d+/) }
        return Set(found.map { String($0.output) })
    }

    /// Else the trials above would prove nothing.
    @Test func `A test speaks of what it does and of what its helpers do, not of its neighbours`()
        throws
    {
        let source = try TestSource(of: "TasqHTTPTests/BulkTests")
        let test = try #require(
            source.test(named: "A paused queue is claimed by nobody, and its stats say so"))
        #expect(test.contains("/v1/queues/q/pause"))
        #expect(test.contains(#"ask("POST", "/v1/jobs""#), "its helper fills the queue")
        #expect(!test.contains("\"DELETE\""), "others call bulk actions off")
        #expect(source.test(named: "A paused queue") == nil)
    }

    @Test func `What is no test any more tries nothing`() {
        let source = TestSource(
            """
            struct Tests {
                @Test func `one`() {
                    call("one")
                }

                func `two`() {
                    call("two")
                }

                // @Test func `three`() {
                //     call("three")
                // }
                @Test(arguments: [1])
                func `four`(number: Int) {
                    call("four")
                }
            }
            """)
        #expect(source.test(named: "one")?.contains("call(\"one\")") == true)
        #expect(source.test(named: "four")?.contains("call(\"four\")") == true)
        #expect(source.test(named: "two") == nil)
        #expect(source.test(named: "three") == nil)
    }

    @Test func `Every table and function has its trial, and every trial its own`() async throws {
        try await TestDatabase.with(template: "interface", migrate: migrate) { database in
            let names = try await database.execute(
                """
                SELECT 'tasq.' || c.relname FROM pg_class c
                WHERE c.relnamespace = 'tasq'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                UNION
                SELECT 'tasq.' || p.proname FROM pg_proc p
                WHERE p.pronamespace = 'tasq'::regnamespace
                """)
            expectSame(
                Set(names.split(separator: "\n").map(String.init)), Set(Interface.database.keys))
            for (name, trial) in Interface.database { try expect(trial, toSpeakOf: [[name]]) }
        }
    }

    @Test func `The words of the database are those that are promised`() async throws {
        try await TestDatabase.with(template: "interface", migrate: migrate) { database in
            let statuses = try await database.execute("SELECT enum_range(NULL::tasq.job_status)")
            #expect(statuses == "{scheduled,queued,executing,success,error,cancelled}")
            let signature = try await database.execute(
                """
                SELECT pg_get_function_arguments(oid) || ' ' || pg_get_function_result(oid)
                FROM pg_proc WHERE oid = (
                    'tasq.enqueue(text,jsonb,text,timestamptz,bigint,text,text,bigint,text,text)'
                )::regprocedure
                """)
            #expect(
                signature == """
                    kind text, payload jsonb DEFAULT '{}'::jsonb, queue text DEFAULT 'default'::text, \
                    run_at timestamp with time zone DEFAULT now(), priority bigint DEFAULT 1, \
                    unique_key text DEFAULT NULL::text, key text DEFAULT NULL::text, \
                    max_attempts bigint DEFAULT NULL::bigint, \
                    unique_while text DEFAULT 'unfinished'::text, \
                    on_conflict text DEFAULT 'keep'::text uuid
                    """)
        }
    }

    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func expectSame(_ real: Set<String>, _ table: Set<String>) {
        #expect(real.subtracting(table).sorted() == [], "without a trial")
        #expect(table.subtracting(real).sorted() == [], "there is none of these")
    }

    /// The test must be there, and it, or what it calls, must name what it is said to try: one word
    /// of each group.
    private func expect(_ trial: Interface.Trial, toSpeakOf words: [[String]]) throws {
        guard let text = try TestSource(of: trial.file).test(named: trial.test) else {
            Issue.record("\(trial.file) has no test: \(trial.test)")
            return
        }
        for group in words {
            let isSaid = group.contains { text.contains($0) }
            #expect(isSaid, "\(trial.file), \(trial.test): never says \(group[0])")
        }
    }

    private func migrate(_ url: String) async throws {
        let store = PostgresStore(try PostgresSettings(url: url), logger: quiet)
        try await store.migrate()
        await store.close()
    }
}
