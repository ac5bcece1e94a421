import Testing

@testable import TasqWebhooks

/// A thousand schedules of deliveries, answers, failures and times.
@Suite struct BreakerScheduleTests {
    private struct World {
        var breaker: Breaker
        var now: ContinuousClock.Instant
        var random: SeededGenerator
        var flights: [Breaker.Flight] = []
        /// Nothing may begin before.
        var closedUntil: ContinuousClock.Instant?
        let rule: Breaker.Rule

        init(seed: UInt64) {
            let start = ContinuousClock.now
            var random = SeededGenerator(seed: seed)
            let isBound = Bool.random(using: &random)
            rule = Breaker.Rule(
                failures: Int.random(in: 1...6, using: &random),
                unanswered: isBound ? Int.random(in: 1...16, using: &random) : nil)
            now = start
            breaker = Breaker(at: start)
            self.random = random
        }

        /// What went wrong in one step; `nil`: nothing.
        mutating func step() -> String? {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5: return ask()
            case 5..<9 where !flights.isEmpty: return end()
            default:
                // Threads see the clock one after another, and come in another order.
                let steps: [Duration] = [
                    .microseconds(-50), .microseconds(1), .milliseconds(30), .seconds(1),
                    .seconds(70),
                ]
                now += steps.randomElement(using: &random) ?? .zero
                return nil
            }
        }

        mutating func ask() -> String? {
            let wasHeld = breaker.isHeld
            let chance = Double.random(in: 0...1, using: &random)
            switch breaker.admit(by: rule, at: now, since: now, chance: chance) {
            case .go: break
            case .wait: return wasHeld ? "one waits for an answer while it is open" : nil
            case .away(let hold, _):
                return hold > .zero && hold <= Pace.longestHold ? nil : "held for \(hold)"
            }
            guard let flight = breaker.begin(by: rule, at: now) else { return "no flight" }
            if flight.isProbe != wasHeld { return "more than the one begin while it is open" }
            if flight.isProbe {
                if let closedUntil, now < closedUntil { return "one tries too early" }
                closedUntil = nil
                if !breaker.isHeld { return "it closes before the answer" }
            }
            flights.append(flight)
            return nil
        }

        mutating func end() -> String? {
            let index = Int.random(in: 0..<flights.count, using: &random)
            let flight = flights.remove(at: index)
            let wasHeld = breaker.isHeld
            let count = breaker.failures
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: breaker.answer(flight, at: now)
            case 4: breaker.release(flight, at: now)
            default:
                let chance = Double.random(in: 0...1, using: &random)
                breaker.fail(flight, by: rule, at: now, chance: chance)
                guard breaker.failures > count else { break }
                if wasHeld, !flight.isProbe { return "an old failure counts" }
                if breaker.isHeld { closedUntil = now + breaker.length * 0.8 }
            }
            if wasHeld, !breaker.isHeld, !flight.isProbe { return "an old answer closes it" }
            return nil
        }

        /// Whether it comes to rest once all that was under way has ended and the target is well.
        mutating func settle() -> String? {
            while !flights.isEmpty { if let problem = end() { return problem } }
            for _ in 0..<200 {
                now += Breaker.longest + .seconds(1)
                if let problem = ask() { return problem }
                guard let flight = flights.popLast() else { return "it never ends to be open" }
                breaker.answer(flight, at: now)
            }
            // Nothing is counted as under way that has ended.
            now += .seconds(1)
            let most = rule.unanswered ?? 100
            for begun in 0..<most {
                guard breaker.objection(to: rule, at: now) == nil else { return "\(begun) begin" }
                _ = breaker.begin(by: rule, at: now)
            }
            if rule.unanswered != nil, breaker.objection(to: rule, at: now) == nil {
                return "more begin than may be unanswered"
            }
            return nil
        }
    }

    @Test func `Never more than one tries, none too early, and it always comes to an end`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        for number in 0..<1000 {
            var world = World(seed: seed &+ UInt64(number))
            for step in 0..<200 {
                guard let problem = world.step() else { continue }
                Issue.record("seed \(seed), schedule \(number), step \(step): \(problem)")
                return
            }
            if let problem = world.settle() {
                Issue.record("seed \(seed), schedule \(number), at the end: \(problem)")
                return
            }
        }
    }
}
