import Testing

@testable import Tasq

@Suite struct SweepCursorsTests {
    private let queue = Name.defaultQueue

    private func cursor(_ number: UInt64) -> QueuedCursor {
        QueuedCursor(
            queue: queue, priority: .default, runAt: Timestamp(microseconds: 0),
            id: JobID(high: 0, low: number))
    }

    /// Sweeps of ten entries over so many, none of which can be claimed, until the end was seen.
    private func sweeps(over entries: UInt64) -> [UInt64] {
        var (cursors, begins) = (SweepCursors(), [UInt64]())
        repeat {
            let start = cursors.start()
            let begin = start[queue]?.id.low ?? 0
            begins.append(begin)
            let end = begin + 10 > entries ? nil : cursor(begin + 10)
            cursors.note(
                Sweep(jobs: [], cursors: end.map { [queue: $0] } ?? [:]), of: [queue], upTo: 5,
                from: start)
        } while cursors.goOn && begins.count < 100
        return begins
    }

    @Test func `One goes on behind the other until the end, and one in four looks at the head`() {
        #expect(sweeps(over: 5) == [0])
        #expect(sweeps(over: 45) == [0, 10, 20, 30, 0, 40])
        #expect(sweeps(over: 65) == [0, 10, 20, 30, 0, 40, 50, 60])
    }

    @Test func `One that claims all it may leaves the place as it was`() {
        var cursors = SweepCursors()
        cursors.note(Sweep(jobs: [], cursors: [queue: cursor(10)]), of: [queue], upTo: 1, from: [:])
        let start = cursors.start()
        #expect(start == [queue: cursor(10)])
        cursors.note(Sweep(jobs: []), of: [queue], upTo: 0, from: start)
        #expect(cursors.goOn)
        cursors.note(Sweep(jobs: []), of: [queue], upTo: 1, from: start)
        #expect(!cursors.goOn)
    }
}
