import Synchronization
import TasqTesting
import Testing

@Suite struct TurnstileTests {
    /// How many are inside, the most there ever were, and how many came.
    private final class Room: Sendable {
        struct State {
            var inside = 0
            var most = 0
            var visits = 0
        }

        let state = Mutex(State())

        func visit() async {
            state.withLock {
                $0.inside += 1
                $0.most = max($0.most, $0.inside)
                $0.visits += 1
            }
            for _ in 0..<5 { await Task.yield() }
            state.withLock { $0.inside -= 1 }
        }
    }

    @Test func `As many are inside as there are places, and whoever wants all goes last`()
        async throws
    {
        let turnstile = Turnstile(places: 3)
        let (room, alone) = (Room(), Room())
        try await turnstile.pass {
            // Inside already, one waits for nobody.
            try await turnstile.pass { await room.visit() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask { @concurrent in
                    try await turnstile.pass(alone: number % 10 == 0) {
                        if number % 10 == 0 {
                            #expect(room.state.withLock { $0.inside } == 0)
                            await alone.visit()
                        } else {
                            #expect(alone.state.withLock { $0.inside } == 0)
                            await room.visit()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(alone.state.withLock { $0.most } == 1)
        #expect(alone.state.withLock { $0.visits } == 4)
        #expect((1...3).contains(room.state.withLock { $0.most }))
        #expect(room.state.withLock { $0.visits } == 37)
    }
}
