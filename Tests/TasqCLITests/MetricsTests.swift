import Foundation
import NIOHTTP1
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

/// The metrics pages of running processes.
@Suite(.medium) struct MetricsTests {
    @Test func `A server's and a worker's page are sound, and count what each has done`()
        async throws
    {
        try await withServerAndWorker { admin, metrics, _ in
            for (kind, count) in [("noop", 3), ("fail", 2)] {
                for _ in 0..<count {
                    let answer = try await ask(
                        "POST", admin + "/v1/jobs", body: #"{"kind":"\#(kind)"}"#)
                    #expect(answer.status == 201)
                }
            }
            let failed: KeyValuePairs = ["queue": "default", "kind": "fail", "outcome": "error"]
            let well: KeyValuePairs = ["queue": "default", "kind": "noop", "outcome": "success"]
            try await eventually("the worker has counted all five") {
                try await page(metrics).sum("tasq_settled_total") == 5
            }
            let ofWorker = try await page(metrics)
            #expect(ofWorker["tasq_run_duration_seconds_count", failed] == 2)
            #expect(ofWorker["tasq_run_duration_seconds_count", well] == 3)
            let noop: KeyValuePairs = ["queue": "default", "kind": "noop"]
            #expect(ofWorker["tasq_pickup_duration_seconds_count", noop] == 3)
            #expect(ofWorker["tasq_outcome_duration_seconds_count", noop] == 3)
            #expect(ofWorker["tasq_claimed_total"] == 5)
            #expect(ofWorker.types["tasq_enqueued_total"] == nil)
            #expect(ofWorker["tasq_slots", ["state": "free"]] == 64)
            #expect(ofWorker["tasq_postgres_up"] == 1)
            #expect(ofWorker["tasq_redis_up"] == 1)
            #expect(ofWorker["tasq_build_info", ["version": TasqCommand.version]] == 1)
            // Whoever holds the term may have announced some of them once more at its start.
            let sent: KeyValuePairs = ["outcome": "sent"]
            try await eventually("the server has announced all five") {
                let page = try await page(admin)
                return page["tasq_announcements_total", sent]
                    == 5 + (page["tasq_reannounced_total"] ?? 0)
            }
            let ofServer = try await page(admin)
            #expect(ofServer["tasq_enqueued_total"] == 5)
            #expect(ofServer["tasq_http_enqueued_total"] == 5)
            #expect(ofServer["tasq_http_commit_duration_seconds_count"] == 5)
            #expect(ofServer["tasq_claimed_total"] == 0)
            let fail: KeyValuePairs = ["queue": "default", "kind": "fail"]
            #expect(ofServer["tasq_error_jobs", fail] == 2)
            #expect(ofServer["tasq_retrying_jobs", fail] == 0)
            for span in ["1h", "1d"] {
                #expect(
                    ofServer[
                        "tasq_recent_error_jobs",
                        ["queue": "default", "kind": "fail", "within": span]] == 2)
            }
            #expect(ofServer.types["tasq_run_duration_seconds"] == nil)
            #expect(ofServer["tasq_workers"] == 1)
            #expect(ofServer["tasq_worker_slots"] == 64)
            // Whoever keeps names within Prometheus's conventions and one prefix can rely on it.
            for name in Set(ofWorker.types.keys).union(ofServer.types.keys) {
                #expect(name.hasPrefix("tasq_"), "\(name)")
            }
            for path in ["/healthz", "/readyz"] {
                #expect(try await ask("GET", metrics + path).status == 200)
            }
            for path in ["/", "/v1/jobs", "/openapi.yaml", "/metrics/"] {
                #expect(try await ask("GET", metrics + path).status == 404)
            }
            #expect(try await ask("POST", metrics + "/metrics").status == 405)
        }
    }

    @Test func `Each metric is in the README with its labels, and what is there is on a page`()
        async throws
    {
        let documented = try Self.documented()
        try await withServerAndWorker { admin, metrics, send in
            let (accepted, forged) = (
                try await send("X-GitHub-Event: push"),
                try await send("X-Hub-Signature-256: sha256=00")
            )
            #expect(accepted == .code(0) && forged == .code(1))
            for (path, body) in [
                ("/v1/queues/idle/pause", ""), ("/v1/jobs", "?"), ("/v1/jobs", #"{"kind":"noop"}"#),
                ("/v1/jobs", #"{"kind":"foreign"}"#), ("/v1/jobs", #"{"kind":"fail"}"#),
                ("/v1/jobs", #"{"kind":"again"}"#),
            ] { _ = try await ask("POST", admin + path, body: body) }
            let limit = try await ask("PUT", admin + "/v1/limits/idle", body: #"{"max_depth":1}"#)
            #expect(limit.status == 200)
            try await eventually("more jobs than the limit are refused") {
                let pair = #"[{"kind":"noop","queue":"idle"},{"kind":"noop","queue":"idle"}]"#
                return try await ask("POST", admin + "/v1/jobs", body: pair).status == 422
            }
            try await eventually("the worker has run the jobs") {
                try await page(metrics).sum("tasq_settled_total") == 4
            }
            let (ofServer, ofWorker) = (try await page(admin), try await page(metrics))
            let (server, worker) = (Set(ofServer.types.keys), Set(ofWorker.types.keys))
            let (forServers, forWorkers) = (
                documented.filter { $0.value.owner != "workers" },
                documented.filter { $0.value.owner != "servers" }
            )
            #expect(server.symmetricDifference(forServers.keys).isEmpty)
            #expect(worker.symmetricDifference(forWorkers.keys).isEmpty)
            for (name, entry) in documented {
                let labels = ofServer.labels(of: name) ?? ofWorker.labels(of: name)
                #expect(labels == entry.labels, "\(name)")
            }
        }
    }

    @Test(arguments: ["grafana-dashboard.json", "prometheus-alerts.yaml"])
    func `Dashboard and alerts ask for metrics that there are`(file: String) throws {
        let documented = try Self.documented()
        let names = Set(
            try Self.text("config/\(file)").matches(of: /tasq_[a-z_]+/).map { String($0.output) })
        #expect(names.count >= 5)
        for name in names {
            let metric = name.replacing(/_(bucket|sum|count)$/, with: "")
            #expect(documented[metric] != nil, "\(name)")
        }
    }

    @Test func `Each panel of the dashboard asks for something`() throws {
        let board = try GrafanaBoard.read()
        #expect(board.panels.count >= 18)
        for panel in board.panels {
            #expect(panel.targets.contains { $0.expr.contains("tasq_") }, "\(panel.title)")
        }
    }

    @Test func `Each alert has a scene in which it is tried`() throws {
        let alerts = try Self.text("config/prometheus-alerts.yaml")
            .matches(of: /- alert: ([A-Za-z]+)/).map { String($0.1) }
        let tried = try Self.text("Tests/Examples/alerts.yaml")
            .matches(of: /alertname="([A-Za-z]+)"/).map { String($0.1) }
        #expect(alerts.count == 8)
        #expect(Set(alerts) == Set(tried))
    }

    @Test(.enabled(if: promtool != nil, "promtool comes with Debian's prometheus"))
    func `Each alert fires in its scene, and no other does`() async throws {
        try await check("check", "rules", packageRoot + "/config/prometheus-alerts.yaml")
        try await check("test", "rules", packageRoot + "/Tests/Examples/alerts.yaml")
    }

    @Test(.enabled(if: promtool != nil, "promtool comes with Debian's prometheus"))
    func `Prometheus finds nothing to say about either page`() async throws {
        try await withServerAndWorker { admin, metrics, _ in
            for base in [admin, metrics] {
                try await check(
                    "check", "metrics", input: try await ask("GET", base + "/metrics").body)
            }
        }
    }

    private func check(_ words: String..., input: String = "") async throws {
        let run = try await ChildProcess.start(
            try #require(promtool), words, input: input)
        let exit = try await run.wait()
        #expect(exit == .code(0), "\(run.standardOutput)\(run.standardError)")
    }

    /// The README's table: each metric with its labels, and whose it is if not everybody's.
    private static func documented() throws -> [String: (owner: Substring, labels: Set<String>)] {
        var metrics: [String: (owner: Substring, labels: Set<String>)] = [:]
        for line in try text("README.md").split(separator: "\n")
        where line.hasPrefix("| `tasq_") {
            let owner = line.firstMatch(of: /\| (servers|workers) only/)?.1 ?? ""
            for match in line.matches(of: /`(tasq_[a-z_]+)(?:{([a-z,]+)})?`/) {
                let labels = (match.2 ?? "").split(separator: ",").map(String.init)
                let former = metrics.updateValue((owner, Set(labels)), forKey: String(match.1))
                #expect(former == nil, "\(match.1) stands there twice")
            }
        }
        return metrics
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: packageRoot + "/" + path, encoding: .utf8)
    }

    /// Gives the addresses of a server and of a worker that knows the kinds `noop`, `fail`, which fails
    /// for good, and `again`, which is tried again in an hour, and what sends an event of the kind
    /// `noop` with a header.
    private func withServerAndWorker(
        _ body: (
            _ admin: String, _ metrics: String, _ send: (String) async throws -> ChildProcess.Exit
        ) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let file = try TemporaryFile(
                """
                sources:
                  hook: { verify: github, secrets: [env:HOOK], kind: noop }
                handlers:
                  noop: { noop: {} }
                  fail: { command: [/bin/sh, -c, exit 78] }
                  again: { command: [/bin/sh, -c, exit 75], retry: { base: 1h } }
                """)
            let environment = [
                "DATABASE_URL": database.url, "REDIS_URL": try await TestServers.redis().url,
                "TASQ_REDIS_PREFIX": database.keyPrefix, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_CONFIG": file.path, "HOOK": "a secret",
            ]
            let server = try await TasqProgram.start(["serve"], environment: environment)
            let worker = try await TasqProgram.start(
                ["work", "--listen", "127.0.0.1:0"], environment: environment)
            let admin = try await address("admin", of: server)
            let metrics = try await address("metrics", of: worker)
            _ = try await worker.waitForLine(containing: "worker registered")
            let ingest = try await address("ingest", of: server)
            try await body(admin, metrics) { header in
                try await TasqProgram.run(
                    "webhook", "send", "hook", "--header", header, "--body", "-",
                    "--to", "\(ingest)/in/hook", environment: environment, input: "{}"
                ).exit
            }
            for process in [server, worker] {
                process.signal(SIGTERM)
                #expect(try await process.wait() == .code(0))
            }
        }
    }

    @Test func `A worker's listener takes the read tokens and leaves loopback with one only`()
        async throws
    {
        let rule = "worker.listen must stay on loopback until admin_token is set"
        // The second is what the flag was called before.
        for flag in ["--listen", "--metrics"] {
            let open = try await TasqProgram.run(
                "work", flag, "0.0.0.0:0", environment: ["DATABASE_URL": "postgres://h/d"])
            #expect(open.exit == .code(64))
            #expect(open.errors == "tasq: --listen: \(rule)")
        }
        let file = try TemporaryFile(
            "worker: { listen: '0.0.0.0:0' }\nadmin_tokens: { read: [env:READER] }")
        // PostgreSQL is away: the page is there all the same, and says so.
        let worker = try await TasqProgram.start(
            ["work", "--config", file.path],
            environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d", "READER": "only-reads"])
        let line = try await worker.waitForLine(containing: "metrics http://")
        let port = try #require(line.split(separator: ":").last)
        let metrics = "http://127.0.0.1:\(port)"
        #expect(try await ask("GET", metrics + "/metrics").status == 401)
        #expect(try await ask("GET", metrics + "/metrics", token: "another").status == 401)
        #expect(try await ask("GET", metrics + "/healthz").status == 200)
        #expect(try await ask("GET", metrics + "/readyz").status == 503)
        let answer = try await ask("GET", metrics + "/metrics", token: "only-reads")
        #expect(answer.status == 200)
        let page = try Exposition(answer.body)
        #expect(page["tasq_postgres_up"] == 0)
        #expect(page["tasq_redis_up"] == nil)
        #expect(page["tasq_postgres_connect_failures_total"] ?? 0 > 0)
        worker.signal(SIGTERM)
        #expect(try await worker.wait() == .code(0))
    }

    @Test func `A port that is taken ends the worker with 69`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let first = try await TasqProgram.start(
                ["work", "--listen", "127.0.0.1:0"], environment: environment)
            let port = try #require(
                try await address("metrics", of: first).split(separator: ":").last)
            let second = try await TasqProgram.run(
                "work", "--listen", "127.0.0.1:\(port)", environment: environment)
            #expect(second.exit == .code(69))
            #expect(second.errors.contains("cannot listen on 127.0.0.1:\(port)"))
            first.signal(SIGTERM)
            #expect(try await first.wait() == .code(0))
        }
    }

    private func address(_ listener: String, of process: ChildProcess) async throws -> String {
        let line = try await process.waitForLine(containing: listener + " http://")
        return String(line.dropFirst(listener.count + 1))
    }

    private func page(_ base: String) async throws -> Exposition {
        try Exposition(try await ask("GET", base + "/metrics").body)
    }

    private func ask(
        _ method: String, _ url: String, body: String = "", token: String? = nil
    ) async throws -> (status: Int, body: String) {
        var request = try HTTPRequest(url: url)
        request.method = .init(rawValue: method)
        if !body.isEmpty { request.body = Array(body.utf8) }
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let answer = try await request.answer()
        return (answer.status, answer.text)
    }
}

private let promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}
