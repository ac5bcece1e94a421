import Testing

@testable import TasqWebhooks

/// The rules of a pace, by a clock that the test sets.
@Suite struct PaceTests {
    private let start = ContinuousClock.now

    /// A target that takes `limit` requests in any second, asked by `slots` at once until `jobs` are
    /// done; a request takes 10 ms, and who is sent away asks again when told. Returns the requests made
    /// and the seconds it took.
    private func drain(
        jobs: Int, slots: Int, limit: Int, asking wait: Duration
    ) throws -> (requests: Int, seconds: Double) {
        struct Visit {
            var at: ContinuousClock.Instant
            var turn: Pace.Turn?
        }
        var pace = Pace(at: start)
        var random = SeededGenerator(seed: 7)
        var waiting = (0..<jobs).map { Visit(at: start + .milliseconds($0 / slots * 10)) }
        var taken: [ContinuousClock.Instant] = []
        var requests = 0
        var end = start
        while let index = waiting.indices.min(by: { waiting[$0].at < waiting[$1].at }) {
            let visit = waiting[index]
            end = visit.at
            try #require(requests < jobs * 10)
            var turn = visit.turn
            if let waited = turn { turn = pace.confirm(waited, at: end) }
            if turn == nil {
                switch pace.ask(at: end, chance: Double.random(in: 0...1, using: &random)) {
                case .now(let now): turn = now
                case .soon(let soon, let delay):
                    waiting[index] = Visit(at: end + delay, turn: soon)
                    continue
                case .away(let delay):
                    waiting[index] = Visit(at: end + delay)
                    continue
                case .again, .held:
                    Issue.record("a target that only says later is not held back")
                    waiting.remove(at: index)
                    continue
                }
            }
            guard let turn else { continue }
            requests += 1
            taken.removeAll { $0 <= end - .seconds(1) }
            if taken.count < limit {
                taken.append(end)
                pace.accept(turn, at: end + .milliseconds(10))
                waiting.remove(at: index)
            } else {
                _ = pace.cut(turn, for: wait, at: end + .milliseconds(10))
                let jitter = Double.random(in: 1...1.2, using: &random)
                waiting[index] = Visit(at: end + wait * jitter)
            }
        }
        return (requests, (end - start) / .seconds(1))
    }

    @Test(arguments: [(20, 300, 64), (5, 100, 10), (200, 5000, 64), (1, 30, 4)])
    func `A target of any size is used well and asked little in vain`(
        limit: Int, jobs: Int, slots: Int
    ) throws {
        let (requests, seconds) = try drain(
            jobs: jobs, slots: slots, limit: limit, asking: .seconds(2))
        #expect(Double(requests) <= 1.3 * Double(jobs), "\(requests) requests")
        #expect(seconds <= 2 * Double(jobs) / Double(limit) + 10, "\(seconds) s")
    }

    @Test func `Who has never been told to come later has no pace`() {
        var pace = Pace(at: start)
        for _ in 0..<10_000 {
            guard case .now(let turn) = pace.ask(at: start) else {
                Issue.record("nobody waits")
                return
            }
            pace.accept(turn, at: start)
        }
        #expect(pace.rate == nil)
    }

    @Test func `A crowd that was under way counts once, and nothing is sent for as long as asked`()
    {
        var pace = Pace(at: start)
        let turns = (0..<64).compactMap { _ -> Pace.Turn? in
            if case .now(let turn) = pace.ask(at: start) { turn } else { nil }
        }
        for turn in turns[..<20] { pace.accept(turn, at: start + .milliseconds(1)) }
        let news = turns[20...].map { pace.cut($0, for: .seconds(5), at: start + .milliseconds(2)) }
        #expect(news.count { $0 } == 1)
        #expect(pace.rate == 10)
        let now = start + .milliseconds(3)
        guard case .away(let first) = pace.ask(at: now), case .away(let second) = pace.ask(at: now)
        else {
            Issue.record("nothing is sent")
            return
        }
        #expect(first >= .milliseconds(4990) && second > first)
        #expect(second - first == .milliseconds(50))
    }

    @Test func `A turn that was waited for does not outlive the next later`() {
        var pace = Pace(at: start)
        guard case .now(let turn) = pace.ask(at: start) else { return }
        let isNews = pace.cut(turn, for: .zero, at: start)
        let now = start + .seconds(2)
        guard case .now(let next) = pace.ask(at: now), case .away = pace.ask(at: now) else {
            Issue.record("one a turn")
            return
        }
        let later = now + .milliseconds(1500)
        guard case .soon(let waiting, let wait) = pace.ask(at: later) else {
            Issue.record("a turn that is near is waited for")
            return
        }
        let isGranted = pace.confirm(waiting, at: later + wait) != nil
        let isNewsAgain = pace.cut(next, for: .seconds(1000), at: now)
        #expect(isNews && isNewsAgain && isGranted)
        let isVoid = pace.confirm(waiting, at: later + wait) == nil
        #expect(isVoid)
        // A minute is the longest pause, and a tenth of a request a second the slowest pace.
        guard case .away(let pause) = pace.ask(at: now) else { return }
        #expect(pause == Pace.pauseLimit)
    }

    @Test func `Nobody is sent away for longer than the bound, however many wait`() {
        var pace = Pace(at: start)
        guard case .now(let turn) = pace.ask(at: start) else { return }
        _ = pace.cut(turn, for: .seconds(100_000), at: start)
        for _ in 0..<20 {
            guard case .now(let turn) = pace.ask(at: start + .seconds(100_000)) else { break }
            _ = pace.cut(turn, for: nil, at: start + .seconds(100_000))
        }
        for _ in 0..<10_000 {
            guard case .away(let hold) = pace.ask(at: start + .seconds(100_000)) else { continue }
            #expect(hold <= Pace.longestHold)
        }
        #expect(pace.rate ?? 0 >= Pace.slowest)
    }
}
