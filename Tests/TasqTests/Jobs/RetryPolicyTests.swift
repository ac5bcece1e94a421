import Testing

@testable import Tasq

@Suite struct RetryPolicyTests {
    @Test func `Waits double up to the cap, whatever the attempt`() {
        let policy = RetryPolicy(base: .seconds(2), factor: 2, cap: .seconds(60), jitter: 0)
        let waits = (1...10_000).map { policy.delay(after: $0) }
        let first: [Duration] = [2, 4, 8, 16, 32].map { .seconds($0) }
        #expect(Array(waits[..<5]) == first)
        #expect(waits[5...].allSatisfy { $0 == .seconds(60) })
        #expect(policy.delay(after: .max) == .seconds(60))
        #expect(policy.delay(after: .min) == .seconds(2))
    }

    @Test func `Jitter stays within its share`() {
        let policy = RetryPolicy(base: .seconds(10), factor: 1, cap: .seconds(10), jitter: 0.2)
        for _ in 0..<1000 {
            let wait = policy.delay(after: 3)
            #expect(wait >= .seconds(8) && wait <= .seconds(12))
        }
    }

    @Test func `Nonsense settings are brought into range`() {
        let policy = RetryPolicy(
            base: .seconds(-1), factor: .infinity, cap: .seconds(-5), jitter: .nan)
        #expect(policy.delay(after: 100) == .zero)
    }
}
