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
        let endless = RetryPolicy(base: .seconds(1e18), cap: .seconds(1e18), jitter: 1)
        #expect(endless.delay(after: 9, chance: 1) == JobLimits.delay * 2)
    }

    @Test(arguments: [Duration.zero, .milliseconds(1), .milliseconds(99)])
    func `No policy makes a job wait for less than the floor`(base: Duration) {
        let policy = RetryPolicy(base: base, factor: 1, jitter: 1)
        for attempt in 1..<100 {
            let verdict = policy.verdict(on: .retry("x"), after: attempt, of: 100)
            guard case .retry(let wait, _) = verdict else {
                Issue.record("attempts are left")
                return
            }
            #expect(wait >= RetryPolicy.floor)
        }
    }

    @Test func `Who is asked to come later waits as long as asked and a little more, or as usual`()
    {
        let policy = RetryPolicy(base: .seconds(10), factor: 2, jitter: 0.2)
        func wait(_ asked: Duration?, _ attempt: Int) -> Duration? {
            switch policy.verdict(on: .later(after: asked, "busy"), after: attempt, of: 20) {
            case .retry(let wait, "busy"): wait
            default: nil
            }
        }
        for _ in 0..<1000 {
            for asked in [nil, Duration.zero, .seconds(-5), .seconds(1)] {
                let wait = wait(asked, 2) ?? .zero
                #expect(wait >= .seconds(16) && wait <= .seconds(24))
            }
            let long = wait(.seconds(100), 2) ?? .zero
            #expect(long >= .seconds(100) && long <= .seconds(120))
        }
        let many = Set((0..<100).map { _ in wait(.seconds(100), 1) })
        #expect(many.count > 10)
    }

    @Test func `Who is put off pays with an attempt when it has lasted too long, and waits longer`()
    {
        let policy = RetryPolicy(base: .seconds(1), factor: 2, cap: .seconds(60), jitter: 0)
        func verdict(_ asked: Duration?, putOff: Int, of limit: Int = 2) -> Verdict {
            policy.verdict(
                on: .later(after: asked, "busy"), after: 1, of: limit,
                putOff: .seconds(putOff), upTo: .seconds(100))
        }
        #expect(verdict(nil, putOff: 0, of: 1) == .later(after: .seconds(1), reason: "busy"))
        #expect(verdict(.zero, putOff: 7, of: 1) == .later(after: .seconds(7), reason: "busy"))
        #expect(verdict(nil, putOff: 99) == .later(after: .seconds(60), reason: "busy"))
        #expect(verdict(.seconds(3), putOff: 99) == .later(after: .seconds(3), reason: "busy"))
        #expect(verdict(.seconds(3), putOff: 100) == .retry(after: .seconds(3), reason: "busy"))
        #expect(verdict(nil, putOff: 100, of: 1) == .error(reason: "busy"))
    }

    @Test func `Waits begin anew after a redelivery, though the attempts go on`() {
        let policy = RetryPolicy(base: .seconds(2), factor: 2, jitter: 0)
        let verdict = policy.verdict(on: .retry("x"), after: 22, of: 40, before: 20)
        #expect(verdict == .retry(after: .seconds(4), reason: "x"))
        #expect(
            policy.verdict(on: .retry("x"), after: 40, of: 40, before: 20) == .error(reason: "x"))
    }

    @Test func `A delay beyond the limit is no delay but a failure that says so`() {
        let far = JobLimits.delay + .seconds(1)
        for outcome in [Outcome.snooze(for: far), .retry(after: far, "x")] {
            guard
                case .retry(let wait, let reason) = RetryPolicy().verdict(
                    on: outcome, after: 1, of: 2)
            else {
                Issue.record("\(outcome) is a failed attempt")
                continue
            }
            #expect(wait < .seconds(3) && reason.contains("36500d is the longest"))
        }
        #expect(
            RetryPolicy().verdict(on: .snooze(for: JobLimits.delay), after: 1, of: 1)
                == .snooze(for: JobLimits.delay))
    }
}
