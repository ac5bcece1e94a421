import Testing

@testable import TasqWebhooks

/// The rules of a breaker, by a clock that the test sets.
@Suite struct BreakerTests {
    private let start = ContinuousClock.now
    private let five = Breaker.Rule.after(5, slots: nil)

    /// A delivery that may begin; `nil` when it may not.
    private func begun(
        _ pace: inout Pace, by rule: Breaker.Rule, at now: ContinuousClock.Instant
    ) -> Pace.Turn? {
        guard case .now(let turn) = pace.ask(at: now, by: rule, chance: 0) else { return nil }
        return turn
    }

    private func begin(
        _ pace: inout Pace, by rule: Breaker.Rule, at now: ContinuousClock.Instant
    ) throws -> Pace.Turn {
        let turn = begun(&pace, by: rule, at: now)
        return try #require(turn)
    }

    private func fail(
        _ pace: inout Pace, _ count: Int, by rule: Breaker.Rule, at now: ContinuousClock.Instant,
        chance: Double = 0
    ) throws {
        for _ in 0..<count {
            let turn = try begin(&pace, by: rule, at: now)
            pace.fail(turn, by: rule, at: now, chance: chance)
        }
    }

    /// For how long the next one is held back since the target fails.
    private func hold(
        _ pace: inout Pace, by rule: Breaker.Rule, at now: ContinuousClock.Instant
    ) throws -> Duration {
        guard case .held(let hold, .failures) = pace.ask(at: now, by: rule, chance: 0) else {
            throw Unheld()
        }
        return hold
    }

    private struct Unheld: Error {}

    @Test(arguments: [1, 2, 5, 1000])
    func `So many failures in a row open it, and an answer between them begins anew`(
        limit: Int
    ) throws {
        let rule = Breaker.Rule.after(limit, slots: nil)
        var pace = Pace(at: start)
        try fail(&pace, limit - 1, by: rule, at: start)
        // Whatever it says of the job, as 404.
        let well = try begin(&pace, by: rule, at: start)
        pace.refuse(well, at: start)
        try fail(&pace, limit - 1, by: rule, at: start)
        #expect(!pace.breaker.isHeld)
        try fail(&pace, 1, by: rule, at: start)
        #expect(pace.breaker.isHeld)
        #expect(pace.breaker.failures == limit)
        let held = try hold(&pace, by: rule, at: start)
        #expect(held == .seconds(1))
    }

    @Test func `One tries when the time is over, and after its answer more and more`() throws {
        var pace = Pace(at: start)
        try fail(&pace, 5, by: five, at: start)
        let early = begun(&pace, by: five, at: start + .milliseconds(999))
        #expect(early == nil)
        let now = start + .seconds(1)
        let probe = try begin(&pace, by: five, at: now)
        for _ in 0..<100 {
            let held = try hold(&pace, by: five, at: now)
            #expect(held >= .seconds(1))
        }
        pace.accept(probe, at: now)
        #expect(!pace.breaker.isHeld)
        // As many as may be under way all end before the next begin.
        var rounds: [Int] = []
        while rounds.count < 6 {
            var turns: [Pace.Turn] = []
            while turns.count < 1000, let turn = begun(&pace, by: five, at: now) {
                turns.append(turn)
            }
            rounds.append(turns.count)
            for turn in turns { pace.accept(turn, at: now) }
        }
        #expect(rounds == [2, 4, 8, 16, 32, 64])
        // The last of those made it any number.
        let rest = try (0..<1000).map { _ in try begin(&pace, by: five, at: now) }
        for turn in rest { pace.accept(turn, at: now) }
        // And the next failures open it for no longer than the first ones did.
        try fail(&pace, 5, by: five, at: now)
        let held = try hold(&pace, by: five, at: now)
        #expect(held == .seconds(1))
    }

    @Test(arguments: [0.0, 1.0])
    func `Each time that the one fails it is open for twice as long, up to a minute`(
        chance: Double
    ) throws {
        var pace = Pace(at: start)
        var now = start
        try fail(&pace, 5, by: five, at: now, chance: chance)
        var times: [Double] = []
        for _ in 0..<100 {
            let held = try hold(&pace, by: five, at: now)
            times.append(held / .seconds(1))
            let early = begun(&pace, by: five, at: now + held - .microseconds(1))
            #expect(early == nil)
            now += held
            try fail(&pace, 1, by: five, at: now, chance: chance)
        }
        let whole = [1, 2, 4, 8, 16, 32, 60, 60].map { $0 * (1 - chance / 5) }
        for (time, expected) in zip(times, whole) { #expect(abs(time - expected) < 0.001) }
        #expect(times.allSatisfy { $0 <= 60 })
        #expect(pace.breaker.failures == 105)
    }

    @Test func `What was under way when it opened neither opens it longer nor closes it`() throws {
        var pace = Pace(at: start)
        let old = try (0..<64).map { _ in try begin(&pace, by: five, at: start) }
        for turn in old[..<40] { pace.fail(turn, by: five, at: start, chance: 0) }
        #expect(pace.breaker.failures == 5)
        pace.accept(old[40], at: start)
        #expect(pace.breaker.isHeld)
        let probe = try begin(&pace, by: five, at: start + .seconds(1))
        for turn in old[41..<50] { pace.fail(turn, by: five, at: start + .seconds(1), chance: 0) }
        pace.accept(old[50], at: start + .seconds(1))
        let second = begun(&pace, by: five, at: start + .seconds(1))
        #expect(pace.breaker.isHeld && second == nil)
        pace.accept(probe, at: start + .seconds(1))
        for turn in old[51...] { pace.fail(turn, by: five, at: start + .seconds(1), chance: 0) }
        #expect(!pace.breaker.isHeld)
    }

    @Test func `One that tries and is called off leaves it to the next`() throws {
        var pace = Pace(at: start)
        try fail(&pace, 5, by: five, at: start)
        let now = start + .seconds(1)
        let probe = try begin(&pace, by: five, at: now)
        pace.release(probe, at: now)
        #expect(pace.breaker.isHeld)
        let next = try begin(&pace, by: five, at: now)
        pace.accept(next, at: now)
        #expect(!pace.breaker.isHeld)
    }

    @Test func `Without a breaker nobody is held back, and no failure counts`() throws {
        var pace = Pace(at: start)
        try fail(&pace, 100, by: .off, at: start)
        #expect(!pace.breaker.isHeld)
        try fail(&pace, 5, by: five, at: start)
        #expect(pace.breaker.isHeld)
        try fail(&pace, 100, by: .off, at: start)
        let held = try hold(&pace, by: five, at: start)
        #expect(held == .seconds(1))
    }

    @Test func `Those held back come again one after the other, none later than the bound`() throws
    {
        var pace = Pace(at: start)
        try fail(&pace, 5, by: five, at: start)
        let holds = try (0..<100_000).map { _ in
            try hold(&pace, by: five, at: start)
        }
        let inLine = 44_950
        for (index, hold) in holds[..<inLine].enumerated() {
            guard hold != .seconds(1) + Breaker.gap * index else { continue }
            Issue.record("the one at \(index) waits for \(hold)")
            break
        }
        #expect(holds[inLine...].allSatisfy { $0 >= .seconds(450) && $0 <= Pace.longestHold })
        // Who comes while it is well again does not stand behind them.
        let probe = try begin(&pace, by: five, at: start + .seconds(1))
        pace.accept(probe, at: start + .seconds(1))
        try fail(&pace, 5, by: five, at: start + .seconds(1))
        let held = try hold(&pace, by: five, at: start + .seconds(1))
        #expect(held == .seconds(2))
    }

    @Test(arguments: [(64, 16), (4, 1), (1, 1), (10_000, 2500)])
    func `Until a target answers a quarter of the slots is the most it gets`(
        slots: Int, share: Int
    ) throws {
        let rule = Breaker.Rule.after(5, slots: slots)
        var pace = Pace(at: start)
        var turns = try (0..<share).map { _ in try begin(&pace, by: rule, at: start) }
        // An answer may come yet.
        let first = pace.ask(at: start, by: rule)
        #expect(first == .again(after: Breaker.glance))
        let now = start + Pace.patience
        guard case .held(let hold, .silence(share)) = pace.ask(at: now, by: rule, since: start)
        else {
            Issue.record("it is held back")
            return
        }
        #expect(hold >= .seconds(1))
        // One that ends makes room for one, an answer for any number.
        pace.fail(turns.removeLast(), by: rule, at: now)
        turns.append(try begin(&pace, by: rule, at: now))
        let more = begun(&pace, by: rule, at: now)
        #expect(more == nil)
        pace.accept(turns.removeLast(), at: now)
        for _ in 0..<slots { turns.append(try begin(&pace, by: rule, at: now)) }
    }

    /// Seconds that a target takes for its answers.
    @Test(arguments: [(0.01, 0.01), (0.3, 0.3), (2.0, 2.0), (2.0, 5.0), (30.0, 30.0)])
    func `A target that is well has all slots, however slow it is`(
        shortest: Double, longest: Double
    ) throws {
        let slots = 64
        let rule = Breaker.Rule.after(5, slots: slots)
        var pace = Pace(at: start)
        var random = SeededGenerator(seed: 7)
        let first = try begin(&pace, by: rule, at: start)
        var now = start + .seconds(longest)
        pace.accept(first, at: now)
        var underWay: [(turn: Pace.Turn, end: ContinuousClock.Instant)] = []
        for _ in 0..<200 {
            while underWay.count < slots {
                let time = Double.random(in: shortest...longest, using: &random)
                let turn = try begin(&pace, by: rule, at: now)
                underWay.append((turn, now + .seconds(time)))
            }
            // What is answered at one moment is answered before the next begin.
            now = try #require(underWay.map { $0.end }.min())
            for (turn, end) in underWay where end <= now { pace.accept(turn, at: now) }
            underWay.removeAll { $0.end <= now }
        }
    }

    @Test(arguments: [(10, 250), (1000, 2000)])
    func `One that was well and hangs gets no more when twice its usual time is over`(
        usual: Int, due: Int
    ) throws {
        let rule = Breaker.Rule.after(5, slots: 64)
        var pace = Pace(at: start)
        let first = try begin(&pace, by: rule, at: start)
        let answered = start + .milliseconds(usual)
        pace.accept(first, at: answered)
        for _ in 0..<17 { _ = try begin(&pace, by: rule, at: answered) }
        _ = try begin(&pace, by: rule, at: answered + .milliseconds(due - 1))
        let late = begun(&pace, by: rule, at: answered + .milliseconds(due))
        #expect(late == nil)
    }

    @Test func `A quick one that has had nothing to do begins with a quarter of the slots`() throws
    {
        let rule = Breaker.Rule.after(5, slots: 64)
        var pace = Pace(at: start)
        let first = try begin(&pace, by: rule, at: start)
        pace.accept(first, at: start)
        let now = start + .seconds(3600)
        let turns = try (0..<16).map { _ in try begin(&pace, by: rule, at: now) }
        let beyond = begun(&pace, by: rule, at: now)
        #expect(beyond == nil)
        pace.accept(turns[0], at: now)
        for _ in 0..<64 { _ = try begin(&pace, by: rule, at: now) }
    }

    @Test func `One that tries and hangs is followed by another, and any answer counts`() throws {
        var pace = Pace(at: start)
        try fail(&pace, 5, by: five, at: start)
        var now = start + .seconds(1)
        let hanging = try begin(&pace, by: five, at: now)
        let early = begun(&pace, by: five, at: now + .milliseconds(59_999))
        #expect(early == nil)
        now += Breaker.longest
        let next = try begin(&pace, by: five, at: now)
        let third = begun(&pace, by: five, at: now)
        #expect(third == nil)
        pace.accept(hanging, at: now)
        #expect(!pace.breaker.isHeld)
        // It is well: what the other one meets was so before.
        pace.fail(next, by: five, at: now)
        #expect(!pace.breaker.isHeld)
    }

    @Test func `A delivery is late when an answer takes less time`() throws {
        var pace = Pace(at: start)
        let first = try begin(&pace, by: five, at: start)
        let isLate = [999, 1000].map { pace.isLate(first, at: start + .milliseconds($0)) }
        #expect(isLate == [false, true])
        pace.accept(first, at: start + .seconds(5))
        let second = try begin(&pace, by: five, at: start)
        let isLater = [4999, 5000].map { pace.isLate(second, at: start + .milliseconds($0)) }
        #expect(isLater == [false, true])
    }

    @Test func `A target that answers has any number under way`() throws {
        let rule = Breaker.Rule.after(5, slots: 8)
        var pace = Pace(at: start)
        var slow: [Pace.Turn] = []
        for _ in 0..<1000 {
            slow.append(try begin(&pace, by: rule, at: start))
            let quick = try begin(&pace, by: rule, at: start)
            pace.accept(quick, at: start)
        }
        #expect(slow.count == 1000)
        for turn in slow { pace.fail(turn, by: rule, at: start) }
        #expect(pace.breaker.isHeld)
    }

    @Test(arguments: [
        Duration.zero, .nanoseconds(1), .seconds(3600 * 24 * 365 * 10_000),
    ])
    func `However far the clock goes it opens and closes`(step: Duration) throws {
        var pace = Pace(at: start)
        var now = start
        for _ in 0..<100 {
            now += step
            try fail(&pace, 5, by: five, at: now)
            #expect(pace.breaker.isHeld)
            now += max(step, Breaker.longest)
            let probe = try begin(&pace, by: five, at: now)
            pace.accept(probe, at: now)
            #expect(!pace.breaker.isHeld)
        }
    }
}
