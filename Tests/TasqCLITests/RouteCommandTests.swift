import Foundation
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// What `tasq webhook verify` and `tasq explain` tell of routes and of events nobody knows again.
@Suite(.medium) struct RouteCommandTests {
    private static let configuration = """
        sources:
          hub:
            verify: github
            secrets: [env:HUB]
            kind: hub.{type}
            match: all
            routes:
              - type: push
                where: { body:/ref: refs/heads/main }
                kind: ci
                queue: ci
                key: body:/repo
                priority: 0
                max_attempts: 3
                delay: 90s
              - { type: "pu*", kind: "seen.{type}" }
          plain: { verify: { hmac: sha256, header: X-Sign }, secrets: [env:HUB] }
        handlers:
          "seen.*": { noop: {}, queue: rest, max_attempts: 2 }
        """
    private static let secret = "a secret that is long enough for anybody"
    private static let body = #"{"ref":"refs/heads/main","repo":"a/b"}"#

    @Test func `Which routes an event takes is told offline, with the jobs they make`()
        async throws
    {
        let push = try await verify(type: "push", id: "d-1")
        #expect(
            push == [
                "accepted: event id d-1, type push",
                "routes[0]: kind ci, queue ci, key a/b, priority 0, 3 attempts, after 90s",
                "routes[1]: kind seen.push, queue rest, priority 1, 2 attempts",
            ])
        let ping = try await verify(type: "ping", id: "d-2")
        #expect(
            ping == [
                "accepted: event id d-2, type ping",
                "no route: kind hub.ping, queue default, priority 1, 20 attempts",
            ])
        let json = try await verify(type: "push", id: "d-1", "--json")
        #expect(
            json == [
                #"{"accepted":true,"source":"hub","kind":"ci","event_id":"d-1","type":"push","#
                    + #""jobs":[{"route":0,"kind":"ci","queue":"ci","key":"a/b","priority":0,"#
                    + #""max_attempts":3,"delay":"90s"},{"route":1,"kind":"seen.push","#
                    + #""queue":"rest","key":null,"priority":1,"max_attempts":2,"#
                    + #""delay":"0s"}],"warnings":[]}"#
            ])
    }

    @Test func `An event without an id, or without a type for its kind, is warned of`()
        async throws
    {
        let warnings = [
            "no event id at header:x-github-delivery: if the event is sent again, it runs again",
            "the event has no type that fits into a kind: it is hub.other",
        ]
        let bare = try await verify(type: nil, id: nil)
        #expect(
            bare == [
                "accepted", "no route: kind hub.other, queue default, priority 1, 20 attempts",
            ] + warnings.map { "warning: " + $0 })
        let json = try await verify(type: nil, id: nil, "--json")
        let told = warnings.map { "\"\($0)\"" }.joined(separator: ",")
        #expect(json.first?.hasSuffix("\"warnings\":[\(told)]}") == true, "\(json)")
    }

    @Test func `What verify foretells is what the server stores, and explain warns of no id`()
        async throws
    {
        try await RunningSystem.with { system in
            system.environment["HUB"] = Self.secret
            try await system.startServer(Self.configuration)
            let file = try TemporaryFile(Self.configuration)
            let body = try TemporaryFile(Self.body, name: "body")
            func send(_ source: String, _ more: String...) async throws {
                let words = [
                    "webhook", "send", source, "--config", file.path, "--body", body.path, "--to",
                    system.source(source),
                ]
                let child = try await TasqProgram.start(
                    words + more, environment: system.environment)
                #expect(try await child.wait() == .code(0), "\(child.standardError)")
            }
            func explained(_ kind: String) async throws -> (said: String, page: String) {
                let id = try await system.database.execute(
                    "SELECT id FROM tasq.job WHERE kind = '\(kind)'")
                let run = try await TasqProgram.run(
                    "explain", id, environment: system.environment)
                #expect(run.exit == .code(0), "\(run.errors)")
                return (run.output, try await system.get("/jobs/\(id)", upTo: 1_000_000))
            }
            for _ in 1...2 {
                try await send(
                    "hub", "--header", "X-GitHub-Event: push", "--header", "X-GitHub-Delivery: 1")
            }
            let stored = try await system.database.execute(
                """
                SELECT kind, queue, key, priority, max_attempts, status FROM tasq.job ORDER BY kind
                """)
            #expect(stored == "ci|ci|a/b|0|3|scheduled\nseen.push|rest||1|2|queued")
            let known = try await explained("seen.push")
            #expect(known.said.contains("event_id") && !known.said.contains("warning"))
            #expect(!known.page.contains("no event id was found"))

            try await send("plain")
            let unknown = try await explained("plain")
            let warning = "no event id was found: if the event is sent again, it runs again"
            #expect(unknown.said.contains(warning), "\(unknown.said)")
            #expect(unknown.page.contains(warning), "\(unknown.page)")
        }
    }

    @Test func `All jobs of an event are run, each with its body, and one of them later`()
        async throws
    {
        let out = try TemporaryFile("", name: "out")
        let body = try TemporaryFile(Self.body, name: "body")
        let configuration = """
            worker: { concurrency: 1 }
            sources:
              hub:
                verify: github
                secrets: [env:HUB]
                match: all
                routes:
                  - { type: push, kind: "now.{type}" }
                  - { type: push, kind: "later.{type}", delay: 1s }
            handlers:
              "*": { command: [/bin/sh, -c, '(echo "$TASQ_JOB_KIND"; cat; echo) >> "$0"', "\(out.path)"] }
            """
        try await RunningSystem.with { system in
            system.environment["HUB"] = Self.secret
            try await system.startServer(configuration)
            try await system.startWorker(configuration)
            let file = try TemporaryFile(configuration)
            let sent = try await TasqProgram.run(
                "webhook", "send", "hub", "--config", file.path, "--body", body.path, "--header",
                "X-GitHub-Event: push", "--to", system.source("hub"),
                environment: system.environment)
            #expect(sent.exit == .code(0), "\(sent.errors)")
            try await system.wait(
                for: "later.push|success|t\nnow.push|success|f",
                """
                SELECT kind, status, run_at >= enqueued_at + interval '1 s' FROM tasq.job
                ORDER BY kind
                """)
            let lines = try String(contentsOfFile: out.path, encoding: .utf8)
            #expect(
                lines.split(separator: "\n").map(String.init).sorted()
                    == ["later.push", "now.push", Self.body, Self.body].sorted())
        }
    }

    @Test func `Of an event's jobs those alone are announced that are due`() async throws {
        // On one list, so that what is announced at once comes at once.
        let configuration = """
            sources:
              hub:
                verify: github
                secrets: [env:HUB]
                match: all
                routes:
                  - { type: push, kind: later, queue: q, delay: 1h }
                  - { type: push, kind: now, queue: q }
            """
        let file = try TemporaryFile(configuration)
        let body = try TemporaryFile(Self.body, name: "body")
        try await RunningSystem.with { system in
            let redis = try await TestServers.redis()
            system.environment["REDIS_URL"] = redis.url
            system.environment["TASQ_REDIS_PREFIX"] = system.database.keyPrefix
            system.environment["HUB"] = Self.secret
            try await system.startServer(configuration)
            let sent = try await TasqProgram.run(
                "webhook", "send", "hub", "--config", file.path, "--body", body.path, "--header",
                "X-GitHub-Event: push", "--to", system.source("hub"),
                environment: system.environment)
            #expect(sent.exit == .code(0), "\(sent.errors)")
            let due = try await system.database.execute(
                "SELECT id FROM tasq.job WHERE kind = 'now'")
            let list = "\(system.database.keyPrefix):{q}:ready:1"
            var announced: Set<Substring> = []
            try await eventually("something is announced") {
                announced = try await Set(
                    redis.command("lrange", list, "0", "-1").split(separator: "\n"))
                return !announced.isEmpty
            }
            #expect(announced == [due[...]])
        }
    }

    /// The lines that the program prints of an event of GitHub's.
    private func verify(
        type: String?, id: String?, _ more: String...
    ) async throws -> [String] {
        let file = try TemporaryFile(Self.configuration)
        let body = try TemporaryFile(Self.body, name: "body")
        let proof = try WebhookSigner(scheme: .github, secret: Self.secret)
            .headers(for: Array(Self.body.utf8), id: id ?? "", at: .now)
            .filter { id != nil || $0.name != "x-github-delivery" }
        var headers = proof.map { "\($0.name): \($0.value)" }
        if let type { headers.append("X-GitHub-Event: \(type)") }
        let words =
            ["webhook", "verify", "hub", "--config", file.path, "--body", body.path]
            + headers.flatMap { ["--header", $0] } + more
        let child = try await TasqProgram.start(words, environment: ["HUB": Self.secret])
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        #expect(child.standardError.isEmpty, "\(child.standardError)")
        return child.standardOutput.split(separator: "\n").map(String.init)
    }
}
