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

        private let state = Mutex(State())

        var inside: Int { state.withLock(\.inside) }
        var most: Int { state.withLock(\.most) }
        var visits: Int { state.withLock(\.visits) }

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

    @Test func `As many are inside as there is room for, and the largest go last`() async throws {
        let turnstile = Turnstile(cores: 2)
        let (small, whole, alone) = (Room(), Room(), Room())
        try await turnstile.pass {
            // Inside already, one waits for nobody.
            try await turnstile.pass(taking: .all) { await small.visit() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<80 {
                group.addTask { @concurrent in
                    let share: Turnstile.Share =
                        number % 10 == 0 ? .all : number % 5 == 0 ? .core : .place
                    try await turnstile.pass(taking: share) {
                        switch share {
                        case .place:
                            await small.visit()
                        case .core:
                            #expect(small.inside <= 3)
                            await whole.visit()
                        case .all:
                            #expect(small.inside + whole.inside == 0)
                            await alone.visit()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(alone.most == 1 && alone.visits == 8)
        #expect((1...2).contains(whole.most) && whole.visits == 8)
        #expect((1...6).contains(small.most) && small.visits == 65)
    }

    @Test func `Whoever wants less goes first`() async throws {
        let turnstile = Turnstile(cores: 2)
        let room = Room()
        let (release, releaser) = AsyncStream.makeStream(of: Void.self)
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { @concurrent in
                try await turnstile.pass(taking: .all) {
                    enter.finish()
                    for await _ in release {}
                }
            }
            for await _ in entered {}
            for (place, share) in [Turnstile.Share.all, .core, .place].enumerated() {
                group.addTask { @concurrent in
                    try await turnstile.pass(taking: share) {
                        if share == .all { #expect(room.visits == 2) }
                        await room.visit()
                    }
                }
                try await eventually("it waits") { turnstile.waiting == place + 1 }
            }
            releaser.finish()
            try await group.waitForAll()
        }
        #expect(room.visits == 3)
    }
}
