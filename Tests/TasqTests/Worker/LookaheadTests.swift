import Testing

@testable import Tasq

@Suite struct LookaheadTests {
    @Test("Nothing is claimed ahead before a job has ended, nor while jobs outlast a claim")
    func longJobs() {
        let lookahead = Lookahead(slots: 10)
        #expect(lookahead.count == 0)
        for _ in 0..<100 {
            lookahead.noteClaim(took: .milliseconds(2))
            lookahead.noteRun(took: .milliseconds(100))
        }
        #expect(lookahead.count == 0)
    }

    @Test("What ends while a claim is under way is claimed ahead, up to a batch or two a slot")
    func shortJobs() {
        for (slots, most) in [(1, 200), (10, 200), (150, 300), (10_000, 500)] {
            let lookahead = Lookahead(slots: slots)
            for _ in 0..<400 {
                lookahead.noteClaim(took: .milliseconds(2))
                lookahead.noteRun(took: .microseconds(5))
            }
            #expect(lookahead.count == most)
        }
    }

    @Test("A slot has no more ahead of it than it will have run when a claim has come")
    func shortAsAClaim() {
        let lookahead = Lookahead(slots: 10)
        for _ in 0..<400 {
            lookahead.noteClaim(took: .milliseconds(2))
            lookahead.noteRun(took: .microseconds(500))
        }
        #expect((38...42).contains(lookahead.count))
    }

    @Test("However long claims take, no more is ahead than runs before it would be given back")
    func slowClaims() {
        let lookahead = Lookahead(slots: 1)
        for _ in 0..<400 {
            lookahead.noteClaim(took: .seconds(3))
            lookahead.noteRun(took: .milliseconds(1))
        }
        #expect((45...50).contains(lookahead.count))
    }

    @Test("Jobs that waited in vain end it, until short ones have ended again")
    func heldUp() {
        let lookahead = Lookahead(slots: 10)
        for _ in 0..<400 {
            lookahead.noteClaim(took: .milliseconds(2))
            lookahead.noteRun(took: .microseconds(20))
        }
        lookahead.noteHeldUp()
        #expect(lookahead.count == 0)
        for _ in 0..<400 { lookahead.noteRun(took: .microseconds(20)) }
        #expect(lookahead.count == 200)
    }

    @Test("Nothing is claimed ahead after that, however long claims take")
    func heldUpForLong() {
        for slots in [1, 64, 1000, 10_000] {
            let lookahead = Lookahead(slots: slots)
            for _ in 0..<400 { lookahead.noteClaim(took: .seconds(2)) }
            for _ in 0..<3 {
                lookahead.noteHeldUp()
                #expect(lookahead.count == 0)
            }
        }
    }

    @Test("A time beyond all measure does not trap")
    func extremes() {
        let lookahead = Lookahead(slots: .max / 4)
        lookahead.noteClaim(took: .seconds(Int64.max))
        lookahead.noteRun(took: .seconds(Int64.max))
        lookahead.noteRun(took: .zero)
        #expect(lookahead.count >= 0)
    }
}
