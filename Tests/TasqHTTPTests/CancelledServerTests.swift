import NIOCore
import NIOPosix
import Synchronization
import Tasq
import TasqPostgres
import TestSizes
import Testing

@testable import TasqHTTP

@Suite(.medium) struct CancelledServerTests {
    @Test func `A server cancelled while connections pour in drops them without a trap`() async {
        await #expect(processExitsWith: .success) {
            for _ in 0..<10 { try await Self.cancelUnderFlood() }
        }
    }

    private final class Connected: Sendable {
        let count = Atomic(0)
    }

    private static func cancelUnderFlood() async throws {
        let store = PostgresStore(
            try PostgresSettings(url: "postgres://127.0.0.1:1/none"), logger: quiet)
        let signal = ListenSignal()
        let server = IngestServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), sources: [],
            queue: Queue(store: store), meters: HTTPMeters(), logger: quiet,
            onListening: signal.tell)
        let serving = Task { try await server.run() }
        let address = try await signal.address()
        let connected = Connected()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while connected.count.add(1, ordering: .relaxed).newValue < 2000 {
                        do {
                            let channel = try await ClientBootstrap(
                                group: MultiThreadedEventLoopGroup.singleton
                            ).connect(host: address.host, port: address.port).get()
                            try await channel.close()
                        } catch {
                            // Nobody listens any more, or the server hung up first.
                            return
                        }
                    }
                }
            }
            while connected.count.load(ordering: .relaxed) < 200 { await Task.yield() }
            serving.cancel()
            try await group.waitForAll()
        }
        _ = await serving.result
        await store.close()
    }
}
