import Tasq
import Testing

struct BackoffTests {
    @Test func `Pauses double up to the longest and begin again after a success`() {
        var backoff = Backoff(from: .milliseconds(50), to: .seconds(1), spread: 0.5...1)
        var pauses = (0..<8).map { _ in backoff.next(chance: 1) }
        #expect(
            pauses == [50, 100, 200, 400, 800, 1000, 1000, 1000].map(Duration.milliseconds))
        for _ in 0..<2000 { pauses.append(backoff.next()) }
        let range = Duration.milliseconds(500)...Duration.seconds(1)
        #expect(pauses.dropFirst(8).allSatisfy { range.contains($0) })
        backoff.reset()
        let first = backoff.next(chance: 0)
        #expect(first == .milliseconds(25))
        #expect(backoff.attempts == 1)
    }

    @Test func `What failed is left alone until its pause is over, or something went well`() {
        var backoff = Backoff(from: .seconds(600), to: .seconds(600))
        #expect(backoff.restsUntil == nil)
        backoff.rest()
        #expect(backoff.restsUntil != nil)
        backoff.reset()
        #expect(backoff.restsUntil == nil)
        var short = Backoff(from: .zero, to: .zero)
        short.rest()
        #expect(short.restsUntil == nil)
        #expect(short.attempts == 1)
    }
}
