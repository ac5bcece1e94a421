import Testing

@testable import Tasq

@Suite struct SweepCursorsTests {
    private let queue = Name.defaultQueue

    private func cursor(_ number: UInt64) -> QueuedCursor {
        .sample(JobID(high: 0, low: number))
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

    @Test func `A queue whose end was seen waits for the others, and then all begin anew`() {
        let other = Name(unchecked: "other")
        var (cursors, rounds) = (SweepCursors(), 0)
        // Stretches of eleven and of thirteen, which would end together once in 143.
        let lengths: [Name: UInt64] = [queue: 11, other: 13]
        repeat {
            let start = cursors.start()
            var ends: [Name: QueuedCursor] = [:]
            for (queue, length) in lengths {
                let end = (start[queue]?.id.low ?? 0) + 1
                if end < length { ends[queue] = cursor(end) }
            }
            cursors.note(
                Sweep(jobs: [], cursors: ends), of: Array(lengths.keys), upTo: 5, from: start)
            rounds += 1
        } while cursors.goOn && rounds < 100
        #expect(rounds < 20)
    }

    @Test func `A place moves though another queue fills each sweep, and is given up else`() {
        let other = Name(unchecked: "other")
        var cursors = SweepCursors()
        cursors.note(
            Sweep(jobs: [], cursors: [queue: cursor(10)]), of: [queue, other], upTo: 0, from: [:])
        #expect(cursors.start() == [queue: cursor(10)])
        cursors.note(
            Sweep(jobs: [], cursors: [queue: cursor(20)]), of: [queue, other], upTo: 0,
            from: [queue: cursor(10)])
        #expect(cursors.start() == [queue: cursor(20)])
        for _ in 0..<SweepCursors.longestStand {
            #expect(cursors.goOn)
            cursors.note(
                Sweep(jobs: []), of: [queue, other], upTo: 0, from: [queue: cursor(20)])
        }
        #expect(!cursors.goOn)
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
