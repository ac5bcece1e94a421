import Foundation
import TasqTesting
import TestSizes
import Testing

/// Bodies far over the limit, and such as have no end, sent to `tasq serve`.
@Suite(.medium) struct BodyBadInputTests {
    private static let limit = 1_048_576

    @Test func `A body without an end is cut by its size or by its time, and is not held`()
        async throws
    {
        try await RunningSystem.with { system in
            let seconds = Int((3 * Slowness.factor).rounded(.up))
            system.environment["TASQ_LIMITS_REQUEST_DEADLINE"] = "\(seconds)s"
            system.environment["SECRET"] = "It's a Secret to Everybody"
            try await system.startServer(
                "sources: { gh: { verify: github, secrets: [env:SECRET] } }")
            let url = system.source("gh")
            // One byte too many: whatever a body may hold has been held once.
            for _ in 0..<3 {
                let answer = try await post("head -c \(Self.limit + 1) /dev/zero", to: url)
                #expect(answer == "413")
            }
            let before = try peakMemory(of: system.server)
            let file = try TemporaryFile("", name: "body")
            let hole = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
            try hole.truncate(atOffset: 1 << 30)
            try hole.close()
            for _ in 0..<3 {
                #expect(try await post("head -c 67108864 /dev/zero", to: url) == "413")
                #expect(try await post("true", to: url, from: file.path) == "413")
            }
            let after = try peakMemory(of: system.server)
            // Held whole, one would take 64 MiB.
            #expect(after - before < 16 * Self.limit)
            let drip = "while printf x; do sleep 0.1; done"
            #expect(try await post(drip, to: url) == "408")
            // It goes on, and what it takes is signed.
            #expect(try await post("printf '{}'", to: url) == "401")
            #expect(
                try await system.database.execute(
                    "SELECT (SELECT count(*) FROM tasq.job), (SELECT count(*) FROM tasq.payload)")
                    == "0|0")
        }
    }

    /// Posts what a command writes, in chunks, or a file with its length; returns the status.
    private func post(
        _ command: String, to url: String, from file: String = "-"
    ) async throws -> String {
        let proof = "X-Hub-Signature-256: sha256=" + String(repeating: "0", count: 64)
        let shell = try await ChildProcess.start(
            "/bin/sh",
            [
                "-c",
                """
                (\(command)) 2>/dev/null | curl -s -o /dev/null -w '%{http_code}' --max-time 100 \
                -X POST -T "$1" -H 'Content-Type: application/json' -H 'Expect:' -H "$2" "$0"
                """, url, file, proof,
            ])
        _ = try await shell.wait()
        return shell.standardOutput
    }
}
