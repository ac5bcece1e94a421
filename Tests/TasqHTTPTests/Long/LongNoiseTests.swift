import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.enabled(if: LongServer.isAskedFor), .serialized, .large(limit: .seconds(3600)))
struct LongNoiseTests {
    private static let rounds = 20
    private static let stringsPerRound = 50_000
    private static let clients = 16

    @Test func `A million random byte strings leave the ingest listener alive and its memory flat`()
        async throws
    {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("noise: seed \(seed)")
        try await LongServer.with { server in
            _ = try await RawConnection.open(to: server.ingest) { connection in
                try await server.post(on: &connection)
            }
            let clock = ContinuousClock.now
            var memory = [try server.residentMegabytes()]
            for round in 0..<Self.rounds {
                await send(round: round, seed: seed, to: server.ingest)
                memory.append(try server.residentMegabytes())
                print("noise: \((round + 1) * Self.stringsPerRound) sent, \(memory[round + 1]) MB")
                try #require(server.process.exit == nil, "\(server.process.standardError)")
            }
            let took = (ContinuousClock.now - clock) / .seconds(1)
            _ = try await RawConnection.open(to: server.ingest) { connection in
                try await server.post(on: &connection)
            }
            print(
                "noise: \(Self.rounds * Self.stringsPerRound) in \(Int(took)) s;",
                "memory \(memory[0]) MB before, \(memory[Self.rounds / 2]) MB half-way,",
                "\(memory[Self.rounds]) MB after")
            // What a first crowd makes the server allocate, it keeps; a leak would go on.
            #expect(memory[Self.rounds] < memory[Self.rounds / 2] + 8)
            let rows = try await server.postgres.execute("SELECT count(*) FROM tasq.job")
            #expect(rows == "2")
        }
    }

    private func send(round: Int, seed: UInt64, to address: ListenAddress) async {
        await withDiscardingTaskGroup { group in
            for client in 0..<Self.clients {
                group.addTask {
                    var noise = Noise(
                        seed: seed &+ UInt64(round * Self.clients + client), path: "/in/github")
                    for _ in 0..<Self.stringsPerRound / Self.clients {
                        do {
                            _ = try await RawConnection.exchange(
                                with: address, noise.request(), thenFinish: true)
                        } catch {
                            // The server may close while the client still talks.
                        }
                    }
                }
            }
        }
    }
}
