import Testing

@testable import TasqPostgres

struct ServerWatchTests {
    private let start = ContinuousClock.now

    @Test func `An outage is told once, and its end with its length`() {
        var outage = Outage()
        #expect(end(&outage, 0) == nil)
        #expect(fail(&outage, at: Array(0...600)) == [0])
        #expect(end(&outage, 600) == .seconds(600))
        #expect(end(&outage, 601) == nil)
    }

    @Test func `A server that comes and goes is told of every half minute at most`() {
        var outage = Outage()
        var told: [Int] = []
        for second in 0..<300 {
            told += fail(&outage, at: [second])
            _ = end(&outage, second)
        }
        #expect(told == Array(stride(from: 0, to: 300, by: 30)))
    }

    @Test func `A long outage soon after a short one is told once it has lasted`() {
        var outage = Outage()
        #expect(fail(&outage, at: [0]) == [0])
        #expect(end(&outage, 1) == .seconds(1))
        #expect(fail(&outage, at: [2, 29, 30, 31, 90]) == [30])
        #expect(end(&outage, 92) == .seconds(90))
        // One that was not told ends without a word.
        #expect(fail(&outage, at: [93]) == [93])
        #expect(end(&outage, 94) == .seconds(1))
        #expect(fail(&outage, at: [95]) == [])
        #expect(end(&outage, 96) == nil)
    }

    @Test func `A lost connection is no outage before another is lost, or cannot be made`() {
        var outage = Outage()
        #expect(fail(&outage, at: [0], isSure: false) == [])
        #expect(end(&outage, 1) == nil)
        #expect(fail(&outage, at: [40, 50], isSure: false) == [50])
        #expect(end(&outage, 51) == .seconds(11))
        outage = Outage()
        #expect(fail(&outage, at: [0], isSure: false) == [])
        #expect(fail(&outage, at: [1]) == [1])
    }

    /// The seconds at which it is told.
    private func fail(
        _ outage: inout Outage, at seconds: [Int], isSure: Bool = true
    ) -> [Int] {
        var told: [Int] = []
        for second in seconds where outage.failed(at: start + .seconds(second), isSure: isSure) {
            told.append(second)
        }
        return told
    }

    private func end(_ outage: inout Outage, _ second: Int) -> Duration? {
        outage.ended(at: start + .seconds(second))
    }
}
