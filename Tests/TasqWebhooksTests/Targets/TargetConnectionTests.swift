import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

/// What a client makes of targets that answer in every way but the usual one.
@Suite(.medium) struct TargetConnectionTests {
    /// Delivers once to a target that answers these bytes and then waits for the client's end.
    private func outcome(
        of answer: String, closes: Bool = false
    ) async throws -> (outcome: Outcome, reason: String) {
        var result = Outcome.success
        var reason = ""
        try await RawTarget.run(serve: { client in
            guard try await client.request() != nil else { return }
            try await client.send(answer)
            if !closes { await client.end() }
        }) { port, target in
            result = try await deliver(sampleContext(), to: sampleTarget(port))
            if case .retry(_, let text) = result {
                reason = text.replacing("http://127.0.0.1:\(port)/hook", with: "target")
            }
            #expect(target.requestCount == 1)
        }
        return (result, reason)
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func `A target that hangs up on a connection used again still gets every job`()
        async throws
    {
        try await RawTarget.run(serve: { client in
            guard try await client.request() != nil else { return }
            try await client.send(Self.ok)
            // Closed just as the next request comes in.
            _ = try await client.firstBytes()
        }) { port, target in
            let client = TargetClient(try sampleTarget(port), version: "1")
            for _ in 0..<50 { try await client.deliver(sampleContext()) }
            await client.shutdown()
            #expect(target.requestCount == 50)
            #expect(target.connectionCount == 50)
        }
    }

    @Test func `A fresh connection that breaks is a failed attempt`() async throws {
        let (_, reason) = try await outcome(of: "", closes: true)
        #expect(reason == "target: connection broken off")
    }

    @Test func `An answer cut off in its head fails the attempt on a connection used again too`()
        async throws
    {
        try await RawTarget.run(serve: { client in
            guard try await client.request() != nil else { return }
            try await client.send(Self.ok)
            guard try await client.request() != nil else { return }
            try await client.send("HTTP/1.1 2")
        }) { port, target in
            let client = TargetClient(try sampleTarget(port), version: "1")
            try await client.deliver(sampleContext())
            let url = "http://127.0.0.1:\(port)/hook"
            await #expect(throws: Outcome.retry("\(url): connection broken off")) {
                try await client.deliver(sampleContext())
            }
            await client.shutdown()
            #expect(target.requestCount == 2)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    ])
    func `What is no answer of HTTP fails the attempt and says so`(answer: String) async throws {
        let (_, reason) = try await outcome(of: answer)
        #expect(reason == "target: answered something that is not HTTP/1.1")
    }

    @Test func `Interim answers are skipped`() async throws {
        let (outcome, _) = try await outcome(of: "HTTP/1.1 100 Continue\r\n\r\n" + Self.ok)
        #expect(outcome == .success)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 2),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 2),
        (Self.ok + "and more", 2), (Self.ok + "\r\n", 2), (Self.ok, 1),
    ])
    func `A connection is used again only after an answer that ends and lets it`(
        answer: String, connections: Int
    ) async throws {
        try await RawTarget.run(serve: { client in
            while try await client.request() != nil { try await client.send(answer) }
        }) { port, target in
            let client = TargetClient(try sampleTarget(port), version: "1")
            for _ in 0..<2 { try await client.deliver(sampleContext()) }
            await client.shutdown()
            #expect(target.connectionCount == connections)
        }
    }

    @Test func `A target's word of farewell to an idle connection is not the next answer`()
        async throws
    {
        try await RawTarget.run(serve: { client in
            guard try await client.request() != nil else { return }
            try await client.send(Self.ok)
            try await client.send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
            await client.end()
        }) { port, target in
            let client = TargetClient(try sampleTarget(port), version: "1")
            try await client.deliver(sampleContext())
            try await eventually("the client has hung up") { target.endCount == 1 }
            try await client.deliver(sampleContext())
            await client.shutdown()
            #expect(target.requestCount == 2)
        }
    }

    @Test func `An answer that comes before the request is out is taken`() async throws {
        try await RawTarget.run(serve: { client in
            guard try await client.firstBytes() else { return }
            try await client.send("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
            await client.end()
        }) { port, _ in
            let body = [UInt8](repeating: 0x78, count: 30_000_000)
            let outcome = try await deliver(sampleContext(body: body), to: sampleTarget(port))
            guard case .fail(let reason) = outcome else {
                Issue.record("expected 410, got \(outcome)")
                return
            }
            #expect(reason.contains("410 Gone"))
        }
    }
}
