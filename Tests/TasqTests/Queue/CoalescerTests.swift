import Synchronization
import Testing

@testable import Tasq

@Suite struct CoalescerTests {
    @Test func `Whoever arrives while one write is in flight shares the next`() async throws {
        let gate = Signal()
        let batches = Mutex<[[Int]]>([])
        let first = Signal()
        let coalescer = Coalescer<Int, Int>(batchLimit: 100) { items throws(StoreError) in
            batches.withLock { $0.append(items) }
            first.raise()
            if items == [0] { await gate.wait() }
            return items.map { $0 * 2 }
        }
        try await withThrowingTaskGroup(of: [Int].self) { group in
            group.addTask { try await coalescer.submit([0]) }
            await first.wait()
            for item in 1...50 { group.addTask { try await coalescer.submit([item]) } }
            while coalescer.waitingCount < 50 { await Task.yield() }
            gate.raise()
            var answers: [Int] = []
            for try await answer in group { answers += answer }
            #expect(answers.sorted() == (0...50).map { $0 * 2 })
        }
        #expect(batches.withLock { $0.map(\.count) } == [1, 50])
    }

    @Test func `A write that hangs does not hold up the next caller`() async throws {
        let gate = Signal()
        let first = Signal()
        let coalescer = Coalescer<Int, Int>(batchLimit: 100, flightLimit: 2) {
            items throws(StoreError) in
            first.raise()
            if items == [0] { await gate.wait() }
            return items
        }
        async let hung = coalescer.submit([0])
        await first.wait()
        #expect(try await coalescer.submit([1]) == [1])
        gate.raise()
        #expect(try await hung == [0])
    }

    @Test func `A batch weighs no more than it may, unless a single call does`() async throws {
        let gate = Signal()
        let first = Signal()
        let batches = Mutex<[[Int]]>([])
        let coalescer = Coalescer<Int, Int>(batchLimit: 100, byteLimit: 10, weighing: { $0 }) {
            items throws(StoreError) in
            batches.withLock { $0.append(items) }
            first.raise()
            if items == [0] { await gate.wait() }
            return items
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await coalescer.submit([0]) }
            await first.wait()
            for (place, item) in [4, 6, 4, 30, 1].enumerated() {
                group.addTask { _ = try await coalescer.submit([item]) }
                while coalescer.waitingCount <= place { await Task.yield() }
            }
            gate.raise()
            try await group.waitForAll()
        }
        #expect(batches.withLock { $0 } == [[0], [4, 6], [4], [30], [1]])
    }

    @Test func `One bad item fails alone`() async throws {
        let gate = Signal()
        let first = Signal()
        let coalescer = Coalescer<Int, Int>(batchLimit: 100) { items throws(StoreError) in
            first.raise()
            if items == [0] { await gate.wait() }
            if items.contains(13) { throw .rejected(sqlState: "22021", "bad") }
            return items
        }
        await withTaskGroup(of: Result<[Int], StoreError>.self) { group in
            func submit(_ item: Int) {
                group.addTask {
                    do throws(StoreError) {
                        return .success(try await coalescer.submit([item]))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            submit(0)
            await first.wait()
            for item in 1...30 { submit(item) }
            while coalescer.waitingCount < 30 { await Task.yield() }
            gate.raise()
            var failures = 0
            for await result in group {
                if case .failure = result { failures += 1 }
            }
            #expect(failures == 1)
        }
    }

    @Test func `The pieces of a batch that waited for a lock are written as pieces`() async throws {
        let gate = Signal()
        let first = Signal()
        let batches = Mutex<[[Int]]>([])
        let coalescer = Coalescer<Int, Int>(
            batchLimit: 100,
            writingPieces: { items throws(StoreError) in
                if items.contains(13) { throw .contended("locked") }
                return items
            },
            write: { items throws(StoreError) in
                batches.withLock { $0.append(items) }
                first.raise()
                if items == [0] { await gate.wait() }
                if items.contains(13) { throw .contended("locked") }
                return items
            })
        let failed = await withTaskGroup(of: Int?.self) { group in
            group.addTask { await Self.failure(of: 0, in: coalescer) }
            await first.wait()
            for item in 1...30 {
                group.addTask { await Self.failure(of: item, in: coalescer) }
            }
            while coalescer.waitingCount < 30 { await Task.yield() }
            gate.raise()
            return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
        #expect(failed == [13])
        #expect(batches.withLock { $0.map(\.count) } == [1, 30])
    }

    /// The items of one batch that failed, and all writes. Odd ones up to `locked` are locked.
    private static func pieces(of items: [Int], locked: Int) async -> ([Int], [[Int]]) {
        let gate = Signal()
        let first = Signal()
        let batches = Mutex<[[Int]]>([])
        let coalescer = Coalescer<Int, Int>(batchLimit: 1000, by: { "\($0)" }) {
            items throws(StoreError) in
            batches.withLock { $0.append(items) }
            first.raise()
            if items == [0] { await gate.wait() }
            if items.contains(where: { !$0.isMultiple(of: 2) && $0 <= locked }) {
                throw .contended("locked")
            }
            return items
        }
        let failed = await withTaskGroup(of: Int?.self) { group in
            group.addTask { await Self.failure(of: 0, in: coalescer) }
            await first.wait()
            for (place, item) in items.enumerated() {
                group.addTask { await Self.failure(of: item, in: coalescer) }
                while coalescer.waitingCount <= place { await Task.yield() }
            }
            gate.raise()
            return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
        return (failed, batches.withLock { $0 })
    }

    @Test func `A locked key is looked for once, however many calls of a batch have it`() async {
        let items = Array(repeating: 13, count: 200) + [2]
        let (failed, writes) = await Self.pieces(of: items, locked: 13)
        #expect(failed == Array(repeating: 13, count: 200))
        #expect(writes.last == [2])
        #expect(writes.count <= 10)
    }

    @Test func `A batch with many locked keys is not cut down to each of them`() async {
        let (failed, writes) = await Self.pieces(of: Array(1...400), locked: 400)
        #expect(failed.count >= 200)
        #expect(Set(failed).isSuperset(of: stride(from: 1, to: 400, by: 2)))
        #expect(writes.count <= 100)
    }

    /// The item if it could not be written.
    private static func failure(of item: Int, in coalescer: Coalescer<Int, Int>) async -> Int? {
        do throws(StoreError) {
            _ = try await coalescer.submit([item])
            return nil
        } catch {
            return item
        }
    }

    @Test func `Callers that are cancelled take no other's write with them`() async throws {
        let gate = Signal()
        let started = Signal()
        let batches = Mutex<[[Int]]>([])
        let cancelledBatches = Mutex<[[Int]]>([])
        let coalescer = Coalescer<Int, Int>(batchLimit: 10) { items throws(StoreError) in
            started.raise()
            await gate.wait()
            batches.withLock { $0.append(items) }
            if Task.isCancelled { cancelledBatches.withLock { $0.append(items) } }
            return items
        }
        let alone = Task { try await coalescer.submit([1]) }
        await started.wait()
        let among = Task { try await coalescer.submit([2]) }
        while coalescer.waitingCount < 1 { await Task.yield() }
        let other = Task { try await coalescer.submit([3]) }
        while coalescer.waitingCount < 2 { await Task.yield() }
        alone.cancel()
        among.cancel()
        gate.raise()
        let answers = try await [alone.value, among.value, other.value]
        #expect(answers == [[1], [2], [3]])
        #expect(batches.withLock { $0 } == [[1], [2, 3]])
        #expect(cancelledBatches.withLock { $0 } == [[1]])
    }
}
