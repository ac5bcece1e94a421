import Testing

@testable import Tasq

@Suite struct DoorbellWatchTests {
    private let start = ContinuousClock.now

    @Test func `One that answers and fails again is left alone longer each time`() {
        var pauses = DoorbellWatch.Pauses()
        var now = start
        let first = pauses.failed(at: now)
        #expect(first < .milliseconds(200))
        var last = first
        for _ in 0..<10 {
            now += last
            pauses.answered(at: now)
            now += .seconds(1)
            last = pauses.failed(at: now)
        }
        #expect(last > .seconds(20))
        // Meanwhile, one that does not answer is asked about once a second.
        #expect(pauses.next() < .seconds(2))
    }

    @Test func `One that went well for a while is asked soon`() {
        var pauses = DoorbellWatch.Pauses()
        _ = pauses.failed(at: start)
        pauses.answered(at: start)
        for _ in 0..<10 { _ = pauses.failed(at: start) }
        #expect(pauses.failed(at: start + DoorbellWatch.Pauses.relapse) < .milliseconds(200))
    }
}
