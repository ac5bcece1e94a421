import Hummingbird
import Tasq
import TasqWebhooks
import TestSizes
import Testing

/// Which connections a client lets be used.
@Suite(.medium) struct TargetPeerTests {
    @Test func `A name that resolves to loopback is refused before a request is sent`() async throws
    {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let refused = try sampleTarget(port, host: "localhost", allow: [])
            for _ in 1...3 {
                guard case .fail(let reason) = try await deliver(sampleContext(), to: refused)
                else {
                    Issue.record("expected target_forbidden")
                    continue
                }
                #expect(reason.hasPrefix("http://localhost:\(port)/hook: target_forbidden"))
                #expect(reason.contains("127.0.0.1, a loopback address"))
                #expect(!reason.contains("hush"))
            }
            #expect(server.requests.isEmpty)

            let allowed = try sampleTarget(port, host: "localhost", allow: ["localhost"])
            let outcome = try await deliver(sampleContext(), to: allowed)
            #expect(outcome == .success)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `Refusals at once and in number leave the client in order`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let client = TargetClient(
                try sampleTarget(port, host: "localhost", allow: []), version: "1")
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        do {
                            try await client.deliver(sampleContext())
                            return false
                        } catch {
                            guard case .fail = error as? Outcome else { return false }
                            return true
                        }
                    }
                }
                for await isRefused in group { #expect(isRefused) }
            }
            await client.shutdown()
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `Many deliveries at once all arrive over one client`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .ok) }) { port, server in
            let client = TargetClient(try sampleTarget(port), version: "1")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await client.deliver(sampleContext()) }
                }
                try await group.waitForAll()
            }
            await client.shutdown()
            #expect(server.requests.count == 200)
            #expect(Set(server.requests.compactMap { $0.header("tasq-job-id") }).count == 200)
        }
    }
}
