import Synchronization
import Testing

@testable import Tasq

@Suite struct JobExecutorTests {
    private struct Failure: Error {}

    @Test func `What was entered and waits can be withdrawn, what was posted cannot`() async {
        let executor = JobExecutor(slots: 1)
        let (gate, ran) = (Signal(), Signal())
        executor.start()
        executor.post { await gate.wait() }
        executor.lookAhead(5)
        let run = executor.nextRun()
        executor.enter(JobID(), as: run) { Issue.record("it was withdrawn") }
        executor.post { ran.raise() }
        #expect(executor.waits == 2 && executor.free == 3)
        #expect(!executor.hasVacantSlot)
        #expect(executor.withdraw(postedBefore: .now) == [run])
        #expect(executor.waits == 1 && executor.free == 0)
        gate.raise()
        await ran.wait()
        await executor.stop()
    }

    @Test func `It runs without any store, tells what happened, and is idle at the end`() async {
        let executor = JobExecutor(slots: 2)
        var events = executor.events.makeAsyncIterator()
        executor.start()
        #expect(await events.next() == .idle)
        let good = executor.post {}
        #expect(await events.next() == .success(good))
        #expect(await events.next() == .idle)
        let bad = executor.post { throw Failure() }
        #expect(await events.next() == .fail(bad))
        #expect(await events.next() == .idle)
        await executor.stop()
        #expect(await events.next() == nil)
    }

    @Test func `What is posted before the start waits for it`() async {
        let executor = JobExecutor(slots: 1)
        let ran = Signal()
        executor.post { ran.raise() }
        #expect(executor.load == 1)
        #expect(!ran.isRaised)
        executor.start()
        await ran.wait()
        await executor.stop()
    }

    @Test func `On idle its owner looks for old jobs, as the note this grew from has it`() async {
        let old = Mutex((1...5).map { _ in JobID() })
        let done = Mutex<[JobID]>([])
        let finished = Signal()
        let executor = JobExecutor(slots: 2)
        executor.on(.success) { event in
            guard case .success(let id) = event else { return }
            let count = done.withLock { done in
                done.append(id)
                return done.count
            }
            if count == 5 { finished.raise() }
        }
        executor.on(.idle) { _ in
            if let next = old.withLock({ $0.popLast() }) { executor.post(next) {} }
        }
        executor.start()
        await finished.wait()
        await executor.stop()
        #expect(Set(done.withLock { $0 }).count == 5)
    }

    @Test func `A removed listener hears nothing more`() async {
        let executor = JobExecutor(slots: 1)
        let heard = Counter()
        let listener = executor.on(.success) { _ in heard.add() }
        executor.start()
        executor.post {}
        await executor.waitUntilIdle()
        listener.remove()
        executor.post {}
        await executor.stop()
        #expect(heard.value == 1)
    }

    @Test(arguments: 1...8)
    func `Never more jobs at once than slots, and every job exactly once`(seed: UInt64) async {
        var generator = SplitMix(seed: seed)
        let slots = Int.random(in: 1...6, using: &generator)
        let executor = JobExecutor(slots: slots)
        let now = Mutex(0)
        let most = Mutex(0)
        let runs = Mutex<[JobID: Int]>([:])
        executor.start()
        var ids: [JobID] = []
        for _ in 0..<500 {
            let id = JobID()
            ids.append(id)
            let fails = Bool.random(using: &generator)
            executor.post(id) {
                let count = now.withLock { count in
                    count += 1
                    return count
                }
                most.withLock { $0 = max($0, count) }
                runs.withLock { $0[id, default: 0] += 1 }
                await Task.yield()
                now.withLock { $0 -= 1 }
                if fails { throw Failure() }
            }
        }
        await executor.waitUntilIdle()
        await executor.stop()
        #expect(most.withLock { $0 } <= slots)
        #expect(runs.withLock { $0 } == Dictionary(uniqueKeysWithValues: ids.map { ($0, 1) }))
    }

    @Test func `A wait for a slot ends when it is cancelled, before it or during it`() async {
        let executor = JobExecutor(slots: 1)
        let release = Signal()
        executor.start()
        executor.post { await release.wait() }
        let waiter = Task { await executor.waitForFreePlace() }
        waiter.cancel()
        #expect(await waiter.value == 0)
        let early = Task {
            await Signal().wait()
            return await executor.waitForFreePlace()
        }
        early.cancel()
        #expect(await early.value == 0)
        release.raise()
        #expect(await executor.waitForFreePlace() == 1)
        await executor.stop()
    }

    @Test func `Cancelling all reaches those that wait for a slot`() async {
        let executor = JobExecutor(slots: 1)
        executor.start()
        let (first, gate) = (Signal(), Signal())
        executor.post {
            first.raise()
            await gate.wait()
        }
        await first.wait()
        let seen = Mutex<Bool?>(nil)
        let second = Signal()
        executor.post {
            seen.withLock { $0 = Task.isCancelled }
            second.raise()
        }
        executor.cancelAll()
        gate.raise()
        await second.wait()
        await executor.stop()
        #expect(seen.withLock { $0 } == true)
    }

    @Test func `A slot is free when no job runs in it, waits for it or is on its way to it`() async
    {
        let executor = JobExecutor(slots: 8)
        #expect(executor.free == 8)
        executor.reserve(3)
        for _ in 0..<2 { executor.post {} }
        #expect(executor.free == 3)
        for _ in 0..<5 { executor.post {} }
        #expect(executor.free == 0)
        executor.release(3)
        #expect(executor.free == 1)
        await executor.stop()
    }

    @Test func `Cancelling reaches a running job`() async {
        let executor = JobExecutor(slots: 1)
        executor.start()
        let started = Signal()
        executor.post {
            started.raise()
            await Signal().wait()
        }
        await started.wait()
        executor.cancelAll()
        await executor.waitUntilIdle()
        await executor.stop()
    }
}

/// A small generator with a seed, so that a failing case can be run again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
