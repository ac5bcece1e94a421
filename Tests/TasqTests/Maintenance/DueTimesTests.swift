import Testing

@testable import Tasq

@Suite struct DueTimesTests {
    private let now = ContinuousClock.now

    @Test func `The earliest is first, whatever came first, and is forgotten in its time`() {
        var times = DueTimes()
        #expect(times.first == nil)
        for delay in [3, 1, 2, 1] { times.insert(now + .seconds(delay)) }
        #expect(times.first == now + .seconds(1))
        times.dropFirst(upTo: now + .milliseconds(999))
        #expect(times.first == now + .seconds(1))
        times.dropFirst(upTo: now + .seconds(1))
        #expect(times.first == now + .seconds(2))
        times.dropFirst(upTo: now + .seconds(4))
        #expect(times.first == nil)
    }

    @Test func `Of too many the latest are left to others`() {
        var times = DueTimes()
        for delay in (0...DueTimes.limit).reversed() { times.insert(now + .seconds(delay)) }
        times.dropFirst(upTo: now + .seconds(DueTimes.limit - 2))
        #expect(times.first == now + .seconds(DueTimes.limit - 1))
        times.dropFirst(upTo: now + .seconds(DueTimes.limit - 1))
        #expect(times.first == nil)
    }
}
