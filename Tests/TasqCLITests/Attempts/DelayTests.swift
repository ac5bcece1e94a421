import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Delays that somebody asks for: the shortest, the longest and those that are none.
@Suite(.medium) struct DelayTests {
    @Test func `A policy without a wait is not a busy loop`() async throws {
        try await RunningSystem.with { system in
            try await system.startWorker(
                """
                handlers:
                  fails: { command: ["false"], retry: { base: 0s, factor: 1, jitter: 0 } }
                """)
            _ = try await system.enqueue("fails", "--max-attempts", "6")
            try await system.wait(for: "error|6", "SELECT status, attempt FROM tasq.job")
            let gaps = """
                SELECT count(*), min(started_at - last) >= interval '100 ms'
                FROM (
                    SELECT started_at, lag(ended_at) OVER (ORDER BY attempt) AS last
                    FROM tasq.attempt
                ) AS a WHERE last IS NOT NULL
                """
            #expect(try await system.database.execute(gaps) == "5|t")
        }
    }

    @Test func `A delay is as long as it was asked for, up to a hundred years, or refused by name`()
        async throws
    {
        try await RunningSystem.with { system in
            try await system.startServer()
            for end in ["snooze", "fail"] {
                _ = try await system.enqueue("far")
                let token = try await system.claim()
                for delay in [#""40000d""#, "3456000000"] {
                    let answer = try await system.post(
                        "/v1/claims/\(token)/\(end)", #"{"delay":\#(delay)}"#)
                    #expect(answer.status == 400)
                    #expect(answer.text.contains("delay must be at most 36500d"), "\(answer.text)")
                }
                let far = try await system.post(
                    "/v1/claims/\(token)/\(end)", #"{"delay":"400d"}"#)
                #expect(far.status == 200, "\(far.text)")
            }
            #expect(
                try await system.database.execute(
                    """
                    SELECT count(*) FROM tasq.job
                    WHERE status = 'scheduled' AND run_at > now() + interval '399 days'
                    """) == "2")
        }
    }

    @Test func `A delay that the database cannot tell from none is announced at once`()
        async throws
    {
        try await RunningSystem.with { system in
            let redis = try await TestServers.redis()
            system.environment["REDIS_URL"] = redis.url
            system.environment["TASQ_REDIS_PREFIX"] = system.database.keyPrefix
            let run = try await TasqProgram.run(
                "enqueue", "--ndjson", "-", environment: system.environment,
                input: #"{"kind":"soon","delay":1e-7}"#)
            #expect(run.exit == .code(0), "\(run.errors)")
            let job = try await system.database.execute("SELECT id, status FROM tasq.job")
            let announced = try await redis.command(
                "lrange", "\(system.database.keyPrefix):{default}:ready:1", "0", "-1")
            #expect(job == "\(announced)|queued")
        }
    }

    @Test(arguments: [
        (["--delay", "40000d"], "--delay must be from 0s to 36500d"),
        (["--delay", "99999999999999999999d"], "--delay must be from 0s to 36500d"),
        (["--delay", "d"], "--delay must be a whole number and a unit"),
        (["--run-at", "9999-12-31T23:59:59Z"], "--run-at must lie between a year ago and a"),
        (["--run-at", "2400-01-01T00:00:00Z"], "--run-at must lie between a year ago and a"),
        (["--run-at", "tomorrow"], "--run-at must be a time in RFC 3339"),
    ])
    func `What is too far away is told so, and what is no time is told that`(
        flags: [String], message: String
    ) async throws {
        let child = try await TasqProgram.start(
            ["enqueue", "a"] + flags, environment: ["DATABASE_URL": "postgres://127.0.0.1:9/d"])
        #expect(try await child.wait() == .code(64))
        #expect(child.standardError.hasPrefix("tasq: " + message), "\(child.standardError)")
    }

    @Test func `A command that cannot be run says what it lacks`() async throws {
        let plain = try TemporaryFile("#!/bin/sh\n", name: "plain.sh")
        let lost = try TemporaryFile("#!/nowhere/sh\n", name: "lost.sh")
        let manager = FileManager.default
        try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: plain.path)
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: lost.path)
        let directory = URL(fileURLWithPath: plain.path).deletingLastPathComponent().path
        let name = URL(fileURLWithPath: plain.path).lastPathComponent
        let commands = [
            ("path", "[\"\(plain.path)\"]", "\(plain.path) is not executable; set its run bit"),
            (
                "name", "{ argv: [\"\(name)\"], env: { PATH: \"/nowhere:\(directory)\" } }",
                "\(directory)/\(name) is not executable; set its run bit"
            ),
            ("directory", "[\"\(directory)\"]", "\(directory) is a directory, not a program"),
            ("interpreter", "[\"\(lost.path)\"]", "\(lost.path) is there, but the interpreter"),
            ("absent", "[/nowhere/report]", "/nowhere/report was not found"),
        ]
        try await RunningSystem.with { system in
            let handlers = commands.map { "  \($0.0): { command: \($0.1) }" }
            try await system.startWorker("handlers:\n" + handlers.joined(separator: "\n"))
            for (kind, _, message) in commands {
                let id = try await system.enqueue(kind, "--max-attempts", "1")
                try await system.wait(
                    for: "t",
                    """
                    SELECT starts_with(reason, '\(message)') FROM tasq.attempt
                    WHERE job_id = '\(id)'
                    """)
            }
        }
    }
}
