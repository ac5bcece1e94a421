import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(FoundationXML)
    import FoundationXML
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The real program in the smallest sizes; what it measures is never judged.
@Suite(.medium) struct BenchTests {
    @Test func `A drain prints one JSON document with figures of tasq and of the floor`()
        async throws
    {
        let chart = try TemporaryFile("", name: "chart.svg")
        let run = try await TasqProgram.run(
            "bench", "drain", "--jobs", "300", "--rounds", "1", "--json", "--svg", chart.path)
        #expect(run.exit == .code(0), "\(run.errors)")
        let drawn = try String(contentsOfFile: chart.path, encoding: .utf8)
        #expect(drawn.contains("<svg ") && drawn.hasSuffix("</svg>\n"), "\(drawn.prefix(200))")
        #expect(run.errors.isEmpty)
        let document = try JSONDecoder().decode(BenchDocument.self, from: Data(run.output.utf8))
        let drain = try #require(document.figures.first { $0.measure == "drain" })
        #expect(drain.value > 0)
        if PostgresTools.pgbench == nil {
            #expect(drain.floor_how == "pgbench not found")
        } else {
            #expect(try #require(drain.floor) > 0)
            #expect(try #require(drain.ratio) > 0)
        }
        #expect(document.machine.cores > 0)
        #expect(document.machine.postgres_settings["fsync"] == "on")
        #expect(document.machine.postgres_settings["synchronous_commit"] == "on")
    }

    @Test func `Behind a pooler floors are taken one after the other`() async throws {
        let server = try await PrivatePostgres.start()
        let pooler = try await PrivatePooler.start(before: server, poolSize: 8)
        let run = try await TasqProgram.run(
            "bench", "drain", "--jobs", "60", "--rounds", "2", "--json", "--database-url",
            pooler.url(database: "postgres"))
        #expect(run.exit == .code(0), "\(run.errors)")
        let document = try JSONDecoder().decode(BenchDocument.self, from: Data(run.output.utf8))
        let drain = try #require(document.figures.first { $0.measure == "drain" })
        #expect(PostgresTools.pgbench == nil || (drain.floor ?? 0) > 0)
        await pooler.stop()
        await server.stop(.immediate)
    }

    @Test(arguments: Scenario.allCases)
    func `Every scenario runs to its end in the smallest size`(scenario: Scenario) async throws {
        try await withFreeDatabase { url in
            let redis = try await TestServers.redis().url
            let run = try await TasqProgram.run(
                "bench", scenario.rawValue, "--jobs", "60", "--rows", "300", "--seconds", "1",
                "--rounds", "1", "--concurrency", "10", "--json", "--database-url", url,
                "--redis-url", redis)
            #expect(run.exit == .code(0), "\(run.errors)")
            let document = try JSONDecoder().decode(
                BenchDocument.self, from: Data(run.output.utf8))
            #expect(!document.figures.isEmpty)
            #expect(document.figures.allSatisfy { $0.scenario == scenario.rawValue })
        }
    }

    @Test func `Jobs of a target that never answers are held back, and none of any is lost`()
        async throws
    {
        try await withFreeDatabase { url in
            let redis = try await TestServers.redis().url
            let run = try await TasqProgram.run(
                "bench", "target", "--jobs", "40", "--live", "10", "--slots", "8", "--hang", "600",
                "--seconds", "1", "--rounds", "1", "--json", "--database-url", url, "--redis-url",
                redis)
            #expect(run.exit == .code(0), "\(run.errors)")
            let document = try JSONDecoder().decode(
                BenchDocument.self, from: Data(run.output.utf8))
            let values = Dictionary(
                document.figures.map { ($0.measure, $0.value) }, uniquingKeysWith: { $1 })
            // A quarter of the slots, and no more while none is answered.
            #expect(values["deliveries to the dead one"] == 2)
            #expect(values["its jobs held back"] == 38)
            #expect(values["lost"] == 0)
            for name in ["p50", "p99"] {
                let figure = document.figures.first { $0.measure == "answered at once \(name)" }
                #expect(try #require(figure?.ratio) > 0)
            }
        }
    }

    @Test(arguments: [
        ("--jobs", "0"), ("--jobs", "1000001"), ("--seconds", "0"), ("--seconds", "601"),
        ("--rows", "-1"), ("--rows", "10000001"), ("--concurrency", "0"),
        ("--concurrency", "10001"), ("--rounds", "0"), ("--rounds", "26"), ("--live", "0"),
        ("--live", "10001"), ("--slots", "0"), ("--slots", "10001"), ("--hang", "0"),
        ("--hang", "601"),
    ])
    func `A size out of its range exits 64 and names option and range`(
        option: String, value: String
    ) async throws {
        let run = try await TasqProgram.run("bench", "drain", "\(option)=\(value)")
        #expect(run.exit == .code(64))
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains("\(option) must be 1 to "), "\(run.errors)")
    }

    @Test func `An unknown scenario exits 64 and the known ones are listed`() async throws {
        #expect(try await TasqProgram.run("bench", "drian").exit == .code(64))
        let list = try await TasqProgram.run("bench", "--list")
        #expect(list.exit == .code(0))
        for scenario in Scenario.allCases { #expect(list.output.contains(scenario.rawValue)) }
    }

    @Test func `A schema that holds jobs is refused and left as it is`() async throws {
        try await withDatabase { database in
            let enqueued = try await TasqProgram.run(
                "enqueue", "a", environment: ["DATABASE_URL": database.url])
            #expect(enqueued.exit == .code(0))
            let run = try await TasqProgram.run(
                "bench", "drain", "--jobs", "1", "--rounds", "1", "--database-url", database.url)
            #expect(run.exit == .code(1))
            #expect(run.errorLines.count == 1)
            #expect(run.errors.contains("holds 1 job"), "\(run.errors)")
            #expect(run.errors.contains("--schema"), "\(run.errors)")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1")
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tasq%'") == "1")
        }
    }

    @Test func `A schema beside one that holds jobs is used, and gone at the end`() async throws {
        try await withDatabase { database in
            let run = try await TasqProgram.run(
                "bench", "drain", "--jobs", "10", "--rounds", "1", "--database-url", database.url,
                "--schema", "measured")
            #expect(run.exit == .code(0), "\(run.errors)")
            #expect(
                try await database.execute(
                    "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'measured%'") == "0")
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "0")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `A signal ends the run and leaves no schema behind`(signal: Int32) async throws {
        try await withFreeDatabase { url in
            let server = try await TestServers.postgres()
            let database = url.split(separator: "/").last.map(String.init) ?? ""
            let child = try await TasqProgram.start([
                "bench", "steady", "--seconds", "600", "--rounds", "1", "--database-url", url,
            ])
            try await eventually("the worker completes jobs") {
                try await server.execute("SELECT count(*) > 0 FROM tasq.job", in: database) == "t"
            }
            child.signal(signal)
            #expect(try await child.wait() == .code(128 + signal))
            #expect(
                try await server.execute(
                    "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tasq%'", in: database)
                    == "0")
        }
    }

    @Test func `The chart is XML and draws every curve`() throws {
        let curve = LatencyCurve(
            name: "a < b & c",
            points: [
                .init(percentile: 50, milliseconds: 1), .init(percentile: 99, milliseconds: 20),
            ])
        let rate = RateCurve(
            name: "drain",
            points: [.init(seconds: 0.2, perSecond: 0), .init(seconds: 0.4, perSecond: 31_000)])
        for findings in [
            Findings(), Findings(latencies: [curve]), Findings(rates: [rate]),
            Findings(latencies: [curve, LatencyCurve(name: "none", points: [])], rates: [rate]),
        ] {
            let parser = XMLParser(data: Data(BenchChart([findings]).text.utf8))
            #expect(parser.parse(), "\(String(describing: parser.parserError))")
        }
    }

    @Test func `Figures keep three digits that count`() {
        let texts = [0, 0.0471, 1.234, 9.996, 45.26, 317.4, 31_234.4].map(BenchReport.short)
        #expect(texts == ["0", "0.047", "1.23", "10.00", "45.3", "317", "31234"])
    }

    @Test func `A median of an even number of rounds lies between the middle two`() {
        #expect([3.0, 1, 2].median == 2)
        #expect([4.0, 1, 2, 3].median == 2.5)
        #expect([Double]().median == 0)
    }
}

/// The part of the document that tests read.
private struct BenchDocument: Decodable {
    struct Figure: Decodable {
        let scenario: String
        let measure: String
        let value: Double
        let floor: Double?
        let floor_how: String?
        let ratio: Double?
    }

    struct Machine: Decodable {
        let cores: Int
        let postgres_settings: [String: String]
    }

    let figures: [Figure]
    let machine: Machine
}

/// An empty database for one test.
private func withFreeDatabase(_ body: (String) async throws -> Void) async throws {
    try await TestDatabase.with(template: "empty", migrate: { _ in }) { database in
        try await body(database.url)
    }
}
