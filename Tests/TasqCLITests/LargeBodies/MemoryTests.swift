import Foundation
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// What bodies hold of memory, against what `Webhooks` (DocC) says.
@Suite(.system) struct MemoryTests {
    private static let body = 25 * LargeFile.mebibyte
    private static let memory = 128 * LargeFile.mebibyte
    /// What a process takes without any body, and what is on its way through the sockets.
    private static let rest = 96 * LargeFile.mebibyte

    @Test func `Forty webhooks of 25 MiB at once stay within limits.memory and four bodies`()
        async throws
    {
        try await WebhookPath.with(
            sources: "gh: { verify: github, secrets: [env:SECRET], kind: run, body: 25MiB }",
            handlers: "run: { command: [/bin/sh, -c, 'cat > /dev/null'] }",
            environment: ["TASQ_LIMITS_MEMORY": "128MiB", "TASQ_WORKER_MEMORY": "128MiB"]
        ) { path in
            let file = try await LargeFile.json(Self.body)
            let proof = WebhookPath.mac(try file.bytes, .hex)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        // Whoever found no room is told to come back.
                        try await eventually(within: .seconds(240).onThisMachine, "taken") {
                            let answer = try await path.post("gh", file: file, proof: proof)
                            if answer.hasPrefix("202 ") { return true }
                            // Or was too slow to hear of it before the connection was closed.
                            let isRefused = answer.hasPrefix("503 ") || answer.hasPrefix("000 ")
                            #expect(isRefused, "\(answer)")
                            return false
                        }
                    }
                }
                try await group.waitForAll()
            }
            let server = try peakMemory(of: path.server)
            print("40 webhooks of 25 MiB: serve took at most", server >> 20, "MiB")
            #expect(server < Self.memory + 4 * Self.body + Self.rest)
            try await path.untilSuccess(of: 40)
            let worker = try peakMemory(of: path.worker)
            print("40 webhooks of 25 MiB: work took at most", worker >> 20, "MiB")
            #expect(worker < 2 * Self.memory + Self.rest)
        }
    }

    @Test func `Sixty-four claims of bodies of 1 MB hold none of them`() async throws {
        try await RunningSystem.with { system in
            try await system.startServer()
            try await system.database.execute(
                """
                SELECT count(tasq.enqueue('big', ('"' || repeat('x', 1000000) || '"')::jsonb))
                FROM generate_series(1, 64)
                """)
            let before = try peakMemory(of: system.server)
            let answer = try await system.post(
                "/v1/claims", #"{"worker_id":"\#(UUID())","limit":64}"#)
            #expect(answer.status == 200)
            let links = answer.text.split(separator: #""payload_url":""#).dropFirst()
                .map { String($0.prefix { $0 != "\"" }) }
            #expect(links.count == 64)
            #expect(answer.text.utf8.count < LargeFile.mebibyte)
            for link in links {
                #expect(try await system.get(link, upTo: 2 << 20).utf8.count == 1_000_002)
            }
            let after = try peakMemory(of: system.server)
            print("64 claims of 1 MB: from", before >> 20, "to", after >> 20, "MiB")
            #expect(after - before < 64 * LargeFile.mebibyte)
        }
    }
}
