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
            _ write: @escaping Coalescer<Int, Int>.Write
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
                items, _ throws(StoreError) in
                apart.note(items)
                return try await write(items)
            }
        }

        func submit(_ items: Int...) async throws(StoreError) -> [Int] {
            try await keys.submit(items, unlessHeldUp: ordinary)
        }

        func isContended(_ items: Int...) async -> Bool {
            do throws(StoreError) {
                _ = try await keys.submit(items, unlessHeldUp: ordinary)
                return false
            } catch {
                return error.isContended
            }
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

    @Test func `With many locked keys each has its turn, and a shorter one`() async throws {
        let gate = Signal()
        let patiences = Mutex<[Duration]>([])
        let ordinary = Coalescer<Int, Int>(batchLimit: 1000, by: { "\($0)" }) {
            _ throws(StoreError) in
            throw .contended("locked")
        }
        let keys = HeldKeys<Int, Int>(batchLimit: 100, by: { "\($0)" }) {
            items, patience throws(StoreError) in
            patiences.withLock { $0.append(patience) }
            await gate.wait()
            return items
        }
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for item in 0..<200 {
                group.addTask { try await keys.submit([item], unlessHeldUp: ordinary) }
            }
            while keys.waitingCount < 198 { await Task.yield() }
            gate.raise()
            var answers: [Int] = []
            for try await answer in group { answers += answer }
            #expect(answers.sorted() == Array(0..<200))
        }
        let shortest = patiences.withLock { $0.min() } ?? .zero
        #expect(shortest >= .milliseconds(5))
        #expect(shortest <= .milliseconds(100))
    }

    @Test func `A call that waited in vain goes behind the others of its key`() async throws {
        let gate = Signal()
        let tries = Writes()
        let scene = Scene(.init(patience: .seconds(600), flights: 1, rest: .milliseconds(1))) {
            items throws(StoreError) in
            if items == [13] { await gate.wait() }
            guard items.contains(99) else { return items }
            tries.note(items)
            if tries.all.count < 3 { throw .contended("locked") }
            return items
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await scene.submit(13) }
            await scene.heldWrites.first.wait()
            group.addTask { _ = try await scene.submit(13, 99) }
            while scene.keys.waitingCount < 2 { await Task.yield() }
            group.addTask { _ = try await scene.submit(13, 8) }
            while scene.keys.waitingCount < 4 { await Task.yield() }
            gate.raise()
            try await group.waitForAll()
        }
        #expect(scene.heldWrites.all == [[13], [13, 99], [13, 8], [13, 99], [13, 99]])
    }

    @Test func `A call whose patience is over after a try takes no further turn`() async throws {
        let patience = Duration.milliseconds(50)
        let gate = Signal()
        let scene = Scene(.init(patience: patience, flights: 1, rest: .milliseconds(1))) {
            items throws(StoreError) in
            if items == [13] { await gate.wait() }
            if items.contains(99) { throw .contended("locked") }
            // The time of the other one runs out meanwhile.
            if items.contains(8) { await sleep(for: patience) }
            return items
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await scene.submit(13) }
            await scene.heldWrites.first.wait()
            group.addTask {
                let isContended = await scene.isContended(13, 99)
                #expect(isContended)
            }
            while scene.keys.waitingCount < 2 { await Task.yield() }
            group.addTask { _ = try await scene.submit(13, 8) }
            while scene.keys.waitingCount < 4 { await Task.yield() }
            gate.raise()
            try await group.waitForAll()
        }
        #expect(scene.heldWrites.all == [[13], [13, 99], [13, 8]])
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
