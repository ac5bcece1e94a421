import Testing

@testable import TasqPostgres

struct ServerWatchTests {
    private let start = ContinuousClock.now

    @Test func `An outage is told once, and its end with its length`() {
        var outage = Outage()
        #expect(outage.ended(at: start) == nil)
        #expect(outage.failed(at: start))
        for second in 1...600 { #expect(!outage.failed(at: start + .seconds(second))) }
        #expect(outage.ended(at: start + .seconds(600)) == .seconds(600))
        #expect(outage.ended(at: start + .seconds(601)) == nil)
    }

    @Test func `A server that comes and goes is told of every half minute at most`() {
        var outage = Outage()
        var told = 0
        for second in 0..<300 {
            if outage.failed(at: start + .seconds(second)) { told += 1 }
            _ = outage.ended(at: start + .seconds(second) + .milliseconds(500))
        }
        #expect(told == 10)
    }

    @Test func `A long outage soon after a short one is told once it has lasted`() {
        var outage = Outage()
        #expect(outage.failed(at: start))
        #expect(outage.ended(at: start + .seconds(1)) == .seconds(1))
        #expect(!outage.failed(at: start + .seconds(2)))
        #expect(!outage.failed(at: start + .seconds(29)))
        #expect(outage.failed(at: start + .seconds(30)))
        #expect(!outage.failed(at: start + .seconds(90)))
        #expect(outage.ended(at: start + .seconds(92)) == .seconds(90))
        // One that was not told ends without a word.
        #expect(outage.failed(at: start + .seconds(93)))
        #expect(outage.ended(at: start + .seconds(94)) == .seconds(1))
        #expect(!outage.failed(at: start + .seconds(95)))
        #expect(outage.ended(at: start + .seconds(96)) == nil)
    }
}
