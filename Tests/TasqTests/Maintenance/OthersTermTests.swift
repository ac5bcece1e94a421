import Testing

@testable import Tasq

/// When a term in another's hands is taken over.
@Suite struct OthersTermTests {
    private let start = ContinuousClock.now

    @Test func `A term that stands still is taken over after its time`() {
        var term = OthersTerm()
        for second in 0..<8 {
            #expect(term.look(at: "a", isGone: false, now: at(Double(second))) > .zero)
            #expect(term.abandoned == nil)
        }
        #expect(term.look(at: "a", isGone: false, now: at(8)) == .zero)
        #expect(term.abandoned == "a")
        // It was asked for, and refused.
        #expect(term.look(at: "b", isGone: false, now: at(8.1)) > .zero)
        #expect(term.abandoned == nil)
    }

    @Test func `A holder that is gone in two looks loses it, without a look in vain`() {
        var term = OthersTerm()
        for second in 0..<3 { _ = term.look(at: "a", isGone: false, now: at(Double(second))) }
        #expect(term.look(at: "a", isGone: true, now: at(3)) == .milliseconds(500))
        #expect(term.abandoned == nil)
        #expect(term.look(at: "a", isGone: true, now: at(3.5)) == .zero)
        #expect(term.abandoned == "a")
    }

    @Test func `A holder that is seen again, or renews it meanwhile, keeps it`() {
        var term = OthersTerm()
        for look in 0..<100 {
            _ = term.look(at: "a", isGone: look.isMultiple(of: 2), now: at(Double(look) / 20))
            #expect(term.abandoned == nil)
        }
        for look in 0..<100 {
            _ = term.look(at: "\(look)", isGone: true, now: at(10 + Double(look)))
            #expect(term.abandoned == nil)
        }
    }

    @Test func `Only those are missing whom the server saw that is asked`() {
        let (seen, missing, elsewhere, unseen) = (WorkerID(), WorkerID(), WorkerID(), WorkerID())
        func sight(_ id: WorkerID, at server: String?) -> WorkerSight {
            WorkerSight(
                id: id, sequence: 1, heartbeat: .seconds(2), lease: .seconds(15), lockFell: false,
                presence: server)
        }
        let presence = Presence(server: "redis/1/tasq", workers: [seen])
        #expect(
            presence.missing(among: [
                sight(seen, at: "redis/1/tasq"), sight(missing, at: "redis/1/tasq"),
                sight(elsewhere, at: "redis/2/tasq"), sight(unseen, at: nil),
            ]) == [missing])
    }

    private func at(_ second: Double) -> ContinuousClock.Instant { start + .seconds(second) }
}
