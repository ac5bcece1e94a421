import Testing

@testable import Tasq

@Suite struct SuspectTurnsTests {
    private let now = ContinuousClock.now
    private let queue = Name.defaultQueue
    private let other = Name(unchecked: "other")

    @Test func `Who is told of a suspect takes it over, on its own queues and alone`() {
        var turns = SuspectTurns()
        turns.know(of: [queue, other])
        turns.hear(of: other)
        let heard = [[queue], [queue, other], [queue, other]].map { turns.takeHeard(among: $0) }
        #expect(heard == [false, true, false])
        #expect(turns.takeKnown(among: [queue]) == [queue])
        #expect(turns.takeKnown(among: [queue, other]) == [other])
        #expect(turns.takeKnown(among: [queue, other]) == [])
    }

    @Test func `A turn that the store gives is over with its time`() {
        var turns = SuspectTurns()
        #expect(!turns.areDue(at: now))
        turns.note(SuspectsTurn(queue: queue, left: .seconds(1)), asked: now)
        #expect(turns.areDue(at: now) && turns.end == now + .seconds(1))
        turns.noteTime(isLast: false, isTold: true, at: now)
        #expect(!turns.areDue(at: now + .seconds(60)))
    }

    @Test func `Where nothing tells of more, suspects and the others have as long, to the last`() {
        var turns = SuspectTurns()
        turns.know(of: [queue])
        turns.noteTime(isLast: false, isTold: false, at: now)
        #expect(!turns.areDue(at: now + .milliseconds(1999)))
        #expect(turns.areDue(at: now + SuspectTurns.alone))
        turns.noteTime(isLast: true, isTold: false, at: now)
        #expect(!turns.areDue(at: now + .seconds(60)))
    }

    @Test func `Only so many queues are remembered`() {
        var turns = SuspectTurns()
        turns.know(of: (0..<2000).map { Name(unchecked: "q\($0)") })
        #expect(turns.known.count == SuspectTurns.limit)
    }
}
