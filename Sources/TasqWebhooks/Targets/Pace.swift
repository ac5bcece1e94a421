/// How fast a target is asked, as it answers: a rate that grows step by step, and is halved whenever
/// the target says "later".
///
/// A target that never said so has no pace. When it first does, its limit is taken to be what it has
/// accepted within a second, and it is asked half as often; then each second adds a twentieth of that
/// limit, and beyond the limit a tenth of the rate, until the target says "later" again or is far
/// beyond what made it say so. After a "later" nothing is sent for as long as it asked, within
/// ``pauseLimit``.
///
/// Whose turn comes within ``patience`` waits for it; others are sent away and told when to come
/// again. They come back twice as fast as the rate lets them through, for the rate may have grown by
/// then: so a backlog of a quarter of an hour costs the database some such turns a second, and of a
/// longer one each job has a turn about every ten minutes.
///
/// A target that fails rather than says "later" is a matter of its ``breaker``, which is asked first.
///
/// A value without a clock: whoever holds it says what time it is.
struct Pace {
    /// How long a turn is waited for in a worker's slot.
    static let patience = Duration.seconds(1)
    /// The longest time for which nothing is sent; then one delivery tries.
    static let pauseLimit = Duration.seconds(60)
    /// The longest time until somebody who was sent away asks again.
    static let longestHold = Duration.seconds(900)
    /// Requests a second that are made however often the target says "later".
    static let slowest = 0.1

    /// The right to make one request. What became of it is told by just one of ``accept(_:at:)``,
    /// ``refuse(_:at:)``, ``cut(_:for:at:)``, ``fail(_:by:at:chance:)`` and ``release(_:at:)``.
    struct Turn: Sendable, Hashable {
        /// How often the target had said "later" when the turn was given.
        fileprivate let cuts: Int
        /// `nil` until it is used, and where it goes by no breaker.
        fileprivate var flight: Breaker.Flight?
    }

    enum Answer: Sendable, Hashable {
        case now(Turn)
        /// Wait so long, then ``confirm(_:at:by:)``.
        case soon(Turn, after: Duration)
        /// Wait so long, then ask again.
        case again(after: Duration)
        /// The target's rate lets it through after so long.
        case away(Duration)
        /// The breaker may let it through after so long.
        case held(Duration, Breaker.Cause)
    }

    /// What holds deliveries back while the target fails.
    private(set) var breaker: Breaker
    private let start: ContinuousClock.Instant
    /// Requests a second; `nil` while the target takes what comes.
    private(set) var rate: Double?
    /// Where the target last said "later", in requests a second.
    private var limit = 1.0
    /// Whether the limit is still being measured by answers to what was sent before the first cut.
    private var isMeasuring = false
    private var cuts = 0
    /// When the next request may be made.
    private var next: ContinuousClock.Instant
    /// When the next of those that are sent away is to come again.
    private var line: ContinuousClock.Instant
    /// Accepted in this second and in the one before.
    private var accepted = (second: Int64(0), count: 0, before: 0)

    init(at now: ContinuousClock.Instant) {
        breaker = Breaker(at: now)
        start = now
        next = now
        line = now
    }

    /// Asks for the right to make a request, for one who asked first at `since`. `chance`, from 0 to 1,
    /// spreads those who wait longest.
    mutating func ask(
        at now: ContinuousClock.Instant, by rule: Breaker.Rule = .off,
        since first: ContinuousClock.Instant? = nil, chance: Double = Double.random(in: 0...1)
    ) -> Answer {
        let first = first ?? now
        switch breaker.admit(by: rule, at: now, since: first, chance: chance) {
        case .go: break
        case .wait: return .again(after: max(Breaker.glance, (now - first) / 4))
        case .away(let hold, let cause): return .held(hold, cause)
        }
        guard let rate else { return .now(begin(by: rule, at: now)) }
        let mine = max(now, next)
        if mine - now <= Self.patience {
            next = mine + .seconds(1 / rate)
            guard mine > now else { return .now(begin(by: rule, at: now)) }
            return .soon(Turn(cuts: cuts), after: mine - now)
        }
        let place = max(line, next, now + Self.patience / 2)
        guard place - now < Self.longestHold else {
            return .away(Self.longestHold * (0.5 + chance / 2))
        }
        line = place + .seconds(0.5 / rate)
        return .away(place - now)
    }

    /// The turn to use, of one that was waited for; `nil` when the target has said "later" since, or
    /// its breaker objects now: ask again.
    mutating func confirm(
        _ turn: Turn, at now: ContinuousClock.Instant, by rule: Breaker.Rule = .off
    ) -> Turn? {
        guard turn.cuts == cuts, breaker.objection(to: rule, at: now) == nil else { return nil }
        return begin(by: rule, at: now)
    }

    private mutating func begin(
        by rule: Breaker.Rule, at now: ContinuousClock.Instant
    ) -> Turn {
        Turn(cuts: cuts, flight: breaker.begin(by: rule, at: now))
    }

    /// The target took what was sent.
    mutating func accept(_ turn: Turn, at now: ContinuousClock.Instant) {
        refuse(turn, at: now)
        count(at: now)
        guard let rate else { return }
        guard turn.cuts == cuts else {
            // It was under way when the target first said "later", and belongs to what it can take.
            if isMeasuring { set(limit: limit + 1) }
            return
        }
        isMeasuring = false
        let grown = rate + (rate < limit ? limit / 20 / rate : 0.1)
        self.rate = grown > limit * 16 ? nil : grown
    }

    /// The target answered, and did not take what was sent; that is the job's affair.
    mutating func refuse(_ turn: Turn, at now: ContinuousClock.Instant) {
        if let flight = turn.flight { breaker.answer(flight, at: now) }
    }

    /// The target did not answer, or said that it is broken.
    mutating func fail(
        _ turn: Turn, by rule: Breaker.Rule, at now: ContinuousClock.Instant,
        chance: Double = Double.random(in: 0...1)
    ) {
        if let flight = turn.flight { breaker.fail(flight, by: rule, at: now, chance: chance) }
    }

    /// Whether a turn has taken longer than the target takes for an answer.
    func isLate(_ turn: Turn, at now: ContinuousClock.Instant) -> Bool {
        turn.flight.map { breaker.isLate($0, at: now) } ?? false
    }

    /// The turn ended without telling anything of the target.
    mutating func release(_ turn: Turn, at now: ContinuousClock.Instant) {
        if let flight = turn.flight { breaker.release(flight, at: now) }
    }

    /// The target said "later", and for how long; says whether that is news.
    mutating func cut(
        _ turn: Turn, for wait: Duration?, at now: ContinuousClock.Instant
    ) -> Bool {
        refuse(turn, at: now)
        let pause = now + min(max(wait ?? .zero, .seconds(1)), Self.pauseLimit)
        next = max(next, pause)
        line = max(line, pause)
        // What was sent before the last cut says nothing of the rate since.
        guard turn.cuts == cuts else { return false }
        cuts += 1
        if let rate {
            isMeasuring = false
            limit = rate
            self.rate = max(Self.slowest, rate / 2)
        } else {
            isMeasuring = true
            turnSecond(at: now)
            set(limit: Double(max(1, accepted.count, accepted.before)))
        }
        // Turns that were given and not used yet are void, so nobody waits behind them.
        next = max(pause, now + .seconds(1 / (rate ?? 1)))
        return true
    }

    private mutating func set(limit: Double) {
        self.limit = limit
        rate = max(Self.slowest, limit / 2)
    }

    private mutating func count(at now: ContinuousClock.Instant) {
        turnSecond(at: now)
        accepted.count += 1
    }

    private mutating func turnSecond(at now: ContinuousClock.Instant) {
        let second = (now - start).components.seconds
        guard second != accepted.second else { return }
        accepted = (second, 0, second == accepted.second + 1 ? accepted.count : 0)
    }
}
