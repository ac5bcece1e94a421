import HTTPTypes
import Hummingbird
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

/// Targets that fail and hang, over real connections: what is sent to them, and what is not.
@Suite(.medium) struct TargetBreakerTests {
    private func end(of client: TargetClient) async throws -> Outcome {
        do {
            try await client.deliver(sampleContext())
            return .success
        } catch let outcome as Outcome {
            return outcome
        }
    }

    /// Why a delivery was put off; `nil` when it was made.
    private func reason(_ outcome: Outcome) -> String? {
        if case .later(_, let reason) = outcome { reason } else { nil }
    }

    /// Delivers until one is held back; returns how many were made before, and why it was.
    private func deliverUntilHeld(_ client: TargetClient) async throws -> (Int, String) {
        var ends: [Outcome] = []
        try await eventually("one is held back") {
            ends.append(try await end(of: client))
            return ends.last.flatMap(reason) != nil
        }
        let told = try #require(ends.last.flatMap(reason))
        let made = ends.dropLast()
        #expect(made.allSatisfy { if case .retry(nil, _) = $0 { true } else { false } })
        return (made.count, told)
    }

    @Test func `A target that fails is left alone but for one that tries, until that succeeds`()
        async throws
    {
        let isWell = Signal()
        try await TargetServer.run(answer: { _, _ in
            Response(status: isWell.isRaised ? .ok : .internalServerError)
        }) { port, server in
            let client = TargetClient(try sampleTarget(port), version: "1", breaker: 3)
            let (made, told) = try await deliverUntilHeld(client)
            #expect(made >= 3)
            #expect(server.requests.count == made)
            #expect(
                told == "held back since http://127.0.0.1:\(port) failed \(made) times in a row, "
                    + "the last time: answered 500")
            // Another handler of the same origin knows it, too.
            let other = TargetClient(
                try sampleTarget(port, path: "/other"), version: "1", breaker: 3)
            // It counts on, if it came to try itself.
            let (more, again) = try await deliverUntilHeld(other)
            #expect(again.contains(" failed \(made + more) times in a row"), "\(again)")
            #expect(server.requests.count == made + more)
            try await eventually("one has tried") {
                _ = try await end(of: client)
                return server.requests.count > made + more
            }
            isWell.raise()
            let before = server.requests.count
            try await eventually("one tries and succeeds") {
                try await end(of: client) == .success
            }
            #expect(server.requests.count == before + 1)
            for _ in 0..<100 { #expect(try await end(of: other) == .success) }
            await client.shutdown()
            await other.shutdown()
        }
    }

    @Test func `A target without a listener, and one that hangs, are held back with their faults`()
        async throws
    {
        // An address of its own, as others fail on that port, too.
        let refusing = TargetClient(
            try sampleTarget(2, host: "127.0.0.77"), version: "1", breaker: 2)
        let (_, refused) = try await deliverUntilHeld(refusing)
        #expect(refused.hasSuffix("the last time: connection refused"), "\(refused)")
        await refusing.shutdown()
        try await TargetServer.run(answer: { _, server in
            await server.untilEnd()
            return Response(status: .ok)
        }) { port, server in
            let hanging = TargetClient(
                try sampleTarget(port, timeout: .milliseconds(50)), version: "1", breaker: 2)
            let (_, told) = try await deliverUntilHeld(hanging)
            #expect(told.hasSuffix("the last time: did not answer within 0.05 seconds"), "\(told)")
            await hanging.shutdown()
        }
    }

    @Test func `What is the job's own affair never holds others back`() async throws {
        try await TargetServer.run(answer: { _, server in
            let answers: [HTTPResponse.Status] = [.notFound, .badRequest, .movedPermanently, .gone]
            return Response(status: answers[server.requests.count % answers.count])
        }) { port, server in
            let client = TargetClient(try sampleTarget(port), version: "1", breaker: 1)
            for _ in 0..<40 {
                let outcome = try await end(of: client)
                #expect(reason(outcome) == nil)
            }
            #expect(server.requests.count == 40)
            await client.shutdown()
        }
    }

    @Test func `Without a breaker each delivery is made, however many fail`() async throws {
        try await TargetServer.run(answer: { _, _ in Response(status: .badGateway) }) {
            port, server in
            let client = TargetClient(try sampleTarget(port), version: "1", breaker: nil, slots: 1)
            for _ in 0..<40 {
                let outcome = try await end(of: client)
                #expect(reason(outcome) == nil)
            }
            #expect(server.requests.count == 40)
            await client.shutdown()
        }
    }

    @Test func `A target that answers nothing gets a quarter of the slots`() async throws {
        let mayAnswer = Signal()
        try await TargetServer.run(answer: { _, _ in
            await mayAnswer.wait()
            return Response(status: .ok)
        }) { port, server in
            let client = TargetClient(try sampleTarget(port), version: "1", slots: 8)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // However the test ends, the server's two go on.
                defer { mayAnswer.raise() }
                for _ in 0..<2 { group.addTask { try await client.deliver(sampleContext()) } }
                try await eventually("two are under way") { server.requests.count == 2 }
                for _ in 0..<20 {
                    let told = reason(try await end(of: client))
                    #expect(
                        told
                            == "held back since http://127.0.0.1:\(port) has not answered "
                            + "2 others yet")
                }
                #expect(server.requests.count == 2)
                mayAnswer.raise()
                try await group.waitForAll()
            }
            for _ in 0..<20 { #expect(try await end(of: client) == .success) }
            await client.shutdown()
        }
    }

    @Test func `The process tells how many targets are held back, and how many deliveries were`()
        async throws
    {
        func value(_ name: String) -> Double {
            TargetClient.metrics.first { $0.name == name }?.samples.first?.value ?? -1
        }
        let before = value("tasq_deliveries_held_back_total")
        try await TargetServer.run(answer: { _, _ in Response(status: .internalServerError) }) {
            port, _ in
            let client = TargetClient(try sampleTarget(port), version: "1", breaker: 1)
            _ = try await deliverUntilHeld(client)
            // Other tests count here as well.
            #expect(value("tasq_targets_held_back") >= 1)
            #expect(value("tasq_deliveries_held_back_total") > before)
            await client.shutdown()
        }
    }
}
