import Synchronization
import Testing

@testable import Tasq

/// Items are numbers, each its own key. Ordinary writes find 13 and 14 locked.
@Suite struct HeldKeysTests {
    private final class Scene: Sendable {
        let ordinaryWrites: Writes
        let heldWrites: Writes
        let ordinary: Coalescer<Int, Int>
        let keys: HeldKeys<Int, Int>

        init(
            _ limits: HeldKeys<Int, Int>.Limits = .init(patience: .seconds(600)),
            _ write: @escaping HeldKeys<Int, Int>.Write
        ) {
            let (inOrder, apart) = (Writes(), Writes())
            ordinaryWrites = inOrder
            heldWrites = apart
            ordinary = Coalescer(batchLimit: 100) { items throws(StoreError) in
                inOrder.note(items)
                if items.contains(13) || items.contains(14) { throw .contended("locked") }
                return items
            }
            keys = HeldKeys(limits: limits, batchLimit: 100, by: { "\($0)" }) {
                items throws(StoreError) in
                apart.note(items)
                return try await write(items)
            }
        }

        func submit(_ items: Int...) async throws(StoreError) -> [Int] {
            try await keys.submit(items, unlessHeldUp: ordinary)
        }
    }

    private final class Writes: Sendable {
        let first = Signal()
        private let batches = Mutex<[[Int]]>([])

        var all: [[Int]] { batches.withLock { $0 } }

        func note(_ items: [Int]) {
            batches.withLock { $0.append(items) }
            first.raise()
        }
    }

    @Test func `Whoever waits for a locked key holds up nobody with another one`() async throws {
        let gate = Signal()
        let scene = Scene { items throws(StoreError) in
            await gate.wait()
            return items
        }
        async let late = scene.submit(13)
        await scene.heldWrites.first.wait()
        for item in 0..<10 { #expect(try await scene.submit(item) == [item]) }
        gate.raise()
        #expect(try await late == [13])
        #expect(scene.heldWrites.all == [[13]])
    }

    @Test func `Whoever comes later with the same key waits there at once, with the others of it`()
        async throws
    {
        let gate = Signal()
        let scene = Scene { items throws(StoreError) in
            await gate.wait()
            return items
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let answers = try await scene.submit(13)
                #expect(answers == [13])
            }
            await scene.heldWrites.first.wait()
            for _ in 0..<5 {
                group.addTask {
                    let answers = try await scene.submit(13)
                    #expect(answers == [13])
                }
            }
            group.addTask {
                let answers = try await scene.submit(13, 7)
                #expect(answers == [13, 7])
            }
            while scene.keys.waitingCount < 7 { await Task.yield() }
            gate.raise()
            try await group.waitForAll()
        }
        #expect(scene.ordinaryWrites.all == [[13]])
        // A call of several items may wait for another key of its own, and goes alone.
        #expect(scene.heldWrites.all.filter { $0.contains(7) } == [[13, 7]])
        #expect(scene.heldWrites.all.flatMap { $0 }.count == 8)
        #expect(scene.heldWrites.all.count <= 4)
    }

    @Test func `Keys take turns, so one that stays locked does not hold up one that is free again`()
        async throws
    {
        let unlocked = Signal()
        let scene = Scene(.init(patience: .seconds(600), flights: 1, rest: .milliseconds(1))) {
            items throws(StoreError) in
            if items.contains(13), !unlocked.isRaised { throw .contended("locked") }
            return items
        }
        async let late = scene.submit(13)
        await scene.heldWrites.first.wait()
        #expect(try await scene.submit(14) == [14])
        unlocked.raise()
        #expect(try await late == [13])
    }

    @Test func `A call gives up when its patience is over, and not before its key was tried`()
        async throws
    {
        let scene = Scene(.init(patience: .zero)) { _ throws(StoreError) in
            throw .contended("still locked")
        }
        await #expect(throws: StoreError.contended("still locked")) {
            try await scene.submit(13)
        }
        #expect(scene.heldWrites.all == [[13]])
        #expect(scene.keys.waitingCount == 0)
    }

    @Test(arguments: [true, false])
    func `A key is forgotten after a while`(isForgotten: Bool) async throws {
        let scene = Scene(.init(memory: isForgotten ? .zero : .seconds(600))) {
            items throws(StoreError) in items
        }
        for _ in 0..<3 { #expect(try await scene.submit(13) == [13]) }
        #expect(scene.ordinaryWrites.all.count == (isForgotten ? 3 : 1))
        #expect(scene.heldWrites.all.count == 3)
    }

    @Test func `Beyond so many locked keys a further one is told so at once`() async throws {
        let gate = Signal()
        let scene = Scene(.init(patience: .seconds(600), turns: 1)) { items throws(StoreError) in
            await gate.wait()
            return items
        }
        async let late = scene.submit(13)
        await scene.heldWrites.first.wait()
        let error = await #expect(throws: StoreError.self) { try await scene.submit(14) }
        #expect(error?.isContended == true)
        gate.raise()
        #expect(try await late == [13])
    }

    @Test func `What is refused for its data, or fails otherwise, is not tried again`()
        async throws
    {
        for error in [
            StoreError.rejected(sqlState: "22021", "bad"), .unknown("lost"), .unavailable("away"),
        ] {
            let scene = Scene { _ throws(StoreError) in throw error }
            await #expect(throws: error) { try await scene.submit(13) }
            #expect(scene.heldWrites.all == [[13]])
        }
    }
}
