import Foundation
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The alerts in a Prometheus that asks a server and a worker. Takes some minutes: it runs when
/// `TASQ_TEST_LONG` is set, as by `compose/test --long`, where Debian's package prometheus is.
@Suite(
    .enabled(if: isAskedFor && Prometheus.program != nil && Prometheus.tool != nil),
    .system(limit: .seconds(900)))
struct LongAlertTests {
    @Test func `An alert fires for each of five troubles, and none once they are mended`()
        async throws
    {
        try await OnCallScene.with { scene in
            try await scene.failJobs()
            let stuck = try await scene.stick()
            let refused = try await scene.deliver()
            #expect(refused == .code(1))
            _ = try await scene.growBacklog()
            await scene.redis.stop()
            let jobs = [
                (job: "tasq-serve", address: scene.system.admin),
                (job: "tasq-work", address: scene.metrics),
            ]
            try await Prometheus.with(asking: jobs) { prometheus in
                let all: Set = [
                    "TasqHandlerFails", "TasqRedisGone", "TasqSourceSilent", "TasqJobStuck",
                    "TasqBacklogGrows",
                ]
                var firing: Set<String> = []
                do {
                    try await eventually(
                        within: .seconds(180).onThisMachine, "an alert fires for each"
                    ) {
                        firing = try await prometheus.firing()
                        return firing == all
                    }
                } catch {
                    Issue.record("firing: \(firing.sorted())")
                    throw error
                }
                for panel in try GrafanaBoard.read().panels {
                    for target in panel.targets {
                        let count = try await prometheus.seriesCount(of: target.expr)
                        print("on call: panel \(panel.title): \(count) series")
                    }
                }
                try await scene.redis.restart()
                try await scene.mendSecret()
                let taken = try await scene.deliver()
                #expect(taken == .code(0))
                try scene.mendHandler()
                for words in [
                    ["jobs", "cancel", stuck], ["queues", "resume", "default"],
                    ["jobs", "retry", "--status", "error", "--kind", "mail"],
                ] {
                    let child = try await TasqProgram.start(
                        words, environment: scene.system.environment)
                    #expect(try await child.wait() == .code(0), "\(child.standardError)")
                }
                try await eventually(
                    within: .seconds(180).onThisMachine, "no alert fires any more"
                ) {
                    try await prometheus.firing().isEmpty
                }
            }
        }
    }

    @Test func `An alert fires when nobody works, a source is refused, and PostgreSQL is gone`()
        async throws
    {
        let postgres = try await PrivatePostgres.start(durable: false)
        let file = try TemporaryFile(
            """
            sources: { hook: { verify: github, secrets: [env:HOOK], kind: well } }
            handlers: { well: { noop: {} } }
            """)
        let environment = [
            "DATABASE_URL": postgres.url(database: "postgres"), "TASQ_HTTP_INGEST": "127.0.0.1:0",
            "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_CONFIG": file.path, "HOOK": "newer",
        ]
        let migrate = try await TasqProgram.run("migrate", environment: environment)
        #expect(migrate.exit == .code(0), "\(migrate.errors)")
        let server = try await TasqProgram.start(["serve"], environment: environment)
        let admin = try await server.waitForLine(containing: "admin http://")
        let ingest = try await server.waitForLine(containing: "ingest http://")
        func deliver(with secret: String) async throws -> ChildProcess.Exit {
            try await TasqProgram.run(
                "webhook", "send", "hook", "--body", "-", "--to",
                ingest.dropFirst("ingest ".count) + "/in/hook",
                environment: environment.merging(["HOOK": secret]) { $1 }, input: "{}"
            ).exit
        }
        let job = (job: "tasq-serve", address: String(admin.dropFirst("admin ".count)))
        try await Prometheus.with(asking: [job]) { prometheus in
            try await prometheus.wait(for: "TasqNoWorker")
            let worker = try await TasqProgram.start(["work"], environment: environment)
            try await prometheus.wait(for: "TasqNoWorker", fires: false)

            // What it saw first is no increase.
            try await prometheus.wait(for: "TasqSourceRefused") {
                let refused = try await deliver(with: "older")
                #expect(refused == .code(1))
            }
            let taken = try await deliver(with: "newer")
            #expect(taken == .code(0))
            try await prometheus.wait(for: "TasqSourceRefused", fires: false)

            await postgres.stop(.immediate)
            try await prometheus.wait(for: "TasqPostgresGone")
            try await postgres.restart()
            try await prometheus.wait(for: "TasqPostgresGone", fires: false)
            worker.signal(SIGTERM)
            _ = try await worker.wait()
        }
        server.signal(SIGTERM)
        #expect(try await server.wait() == .code(0), "\(server.standardError)")
        await postgres.stop()
    }
}

private let isAskedFor = ProcessInfo.processInfo.environment["TASQ_TEST_LONG"] != nil

/// Prometheus with the alerts of this repository, and a day that it remembers.
private struct Prometheus {
    static let program = ChildProcess.find("prometheus")
    static let tool = ChildProcess.find("promtool")

    private let address: String

    /// Runs one that asks these addresses every other second while the body runs.
    static func with(
        asking targets: [(job: String, address: String)],
        _ body: (Prometheus) async throws -> Void
    ) async throws {
        let jobs = targets.map { target in
            let host = target.address.dropFirst("http://".count)
            return "  - { job_name: \(target.job), static_configs: [{ targets: [\"\(host)\"] }] }"
        }
        let file = try TemporaryFile(
            """
            global: { scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s }
            rule_files: ["\(packageRoot)/config/prometheus-alerts.yaml"]
            scrape_configs:
            \(jobs.joined(separator: "\n"))
            """, name: "prometheus.yaml")
        let data = file.directory + "/data"
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: true)
        let past = try TemporaryFile(
            Self.past(of: Int(Date.now.timeIntervalSince1970)), name: "past")
        try await ChildProcess.run([
            try #require(tool), "tsdb", "create-blocks-from", "openmetrics", past.path, data,
        ])
        // Below the ports that private servers and outgoing connections take.
        let port = Int.random(in: 15_000..<19_000)
        let process = try await ChildProcess.start(
            try #require(program),
            [
                "--config.file=" + file.path, "--storage.tsdb.path=" + data,
                "--web.listen-address=127.0.0.1:\(port)",
            ], directory: file.directory)
        _ = try await process.waitForLine(containing: "ready to receive web requests")
        do {
            try await body(Prometheus(address: "http://127.0.0.1:\(port)"))
        } catch {
            process.signal(SIGKILL)
            throw error
        }
        process.signal(SIGTERM)
        _ = try await process.wait()
    }

    /// What another server told until two minutes ago: a source that brought events all day and has
    /// brought none for an hour, and a backlog of seconds.
    private static func past(of now: Int) -> String {
        let (day, end) = (26 * 60, 2)
        let minutes = Array(stride(from: day, through: end, by: -1))
        let source = #"{instance="before",job="tasq-serve",source="hook"}"#
        let queue = #"{instance="before",job="tasq-serve",queue="default",status="queued"}"#
        var lines = ["# TYPE tasq_source_accepted counter"]
        for minute in minutes {
            let count = min(day - minute, day - 75)
            lines.append("tasq_source_accepted_total\(source) \(count) \(now - 60 * minute)")
        }
        lines.append("# TYPE tasq_source_duplicate counter")
        for minute in minutes {
            lines.append("tasq_source_duplicate_total\(source) 0 \(now - 60 * minute)")
        }
        lines.append("# TYPE tasq_queue_oldest_seconds gauge")
        for minute in minutes.suffix(10) {
            lines.append("tasq_queue_oldest_seconds\(queue) 5 \(now - 60 * minute)")
        }
        return lines.joined(separator: "\n") + "\n# EOF\n"
    }

    /// Waits until an alert fires, or fires no more; does something before each look.
    func wait(
        for alert: String, fires: Bool = true, _ act: () async throws -> Void = {}
    ) async throws {
        var names: Set<String> = []
        do {
            try await eventually(
                within: .seconds(240).onThisMachine, "\(alert) fires, or no more"
            ) {
                try await act()
                names = try await firing()
                return names.contains(alert) == fires
            }
        } catch {
            Issue.record("\(alert): firing: \(names.sorted())")
            throw error
        }
        print("on call: \(alert) \(fires ? "fires" : "fires no more")")
    }

    /// How many series an expression comes to; throws where it is none.
    func seriesCount(of expression: String) async throws -> Int {
        struct Answer: Decodable {
            struct Outcome: Decodable { let result: [Series] }
            struct Series: Decodable {}
            let data: Outcome
        }
        let query = try #require(
            expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let answer = try await HTTPRequest(url: "\(address)/api/v1/query?query=\(query)").answer()
        guard answer.status == 200 else {
            throw TestingError.failed("\(expression): \(answer.status) \(answer.text)")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(answer.text.utf8)).data.result.count
    }

    /// The names of the alerts that fire.
    func firing() async throws -> Set<String> {
        struct Answer: Decodable {
            struct Alerts: Decodable { let alerts: [Alert] }
            struct Alert: Decodable {
                let labels: [String: String]
                let state: String
            }
            let data: Alerts
        }
        let text = try await HTTPRequest(url: address + "/api/v1/alerts").answer().text
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        let firing = answer.data.alerts.filter { $0.state == "firing" }
        return Set(firing.compactMap { $0.labels["alertname"] })
    }
}
