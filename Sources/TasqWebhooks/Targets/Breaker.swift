/// Whether a target is delivered to at all: failures in a row open it, and then nothing is sent for a
/// while; one delivery tries, and when that is answered more and more follow.
///
/// It is open for ``shortest``, then twice as long each time that the one delivery fails, up to
/// ``longest``. After an answer two may be under way, one more for each answer that follows, so twice
/// as many each round, and from ``rampEnd`` on any number. The answers to what was sent before the
/// breaker last changed say nothing of the target as it is now.
///
/// A target that does not answer would hold every slot of a worker until its deliveries time out.
/// So between two answers of a target only so many may begin, ``Rule/unanswered``; the next ones wait a
/// ``moment`` for an answer, as a target that is well gives one, and are held back otherwise. A target
/// that answers is not bound by that: each answer lets as many begin again.
///
/// Who is held back is told when to come again: the first when the breaker lets one through, the others
/// behind each other, a ``gap`` apart, so that what waits for a target that is gone costs the database
/// at most some such turns a second, and with a backlog for longer than ``Pace/longestHold`` each job has
/// one about every ten minutes.
///
/// A value without a clock: whoever holds it says what time it is.
struct Breaker {
    /// How long it is open at first.
    static let shortest = Duration.seconds(1)
    /// How long it is open at most.
    static let longest = Duration.seconds(60)
    /// How many may be under way when any number may.
    static let rampEnd = 64
    /// How long a delivery waits in its slot for an answer to others.
    static let moment = Duration.milliseconds(250)
    /// How often it looks meanwhile.
    static let glance = Duration.milliseconds(10)
    /// Between the turns of those that are held back.
    static let gap = Duration.milliseconds(20)

    /// What a handler asks of it.
    struct Rule: Sendable, Hashable {
        /// Failures in a row that open it; `nil`: the handler goes by no breaker, and its deliveries do
        /// not count.
        var failures: Int?
        /// Deliveries that may be under way while the target answers none; `nil`: any number.
        var unanswered: Int?

        /// No breaker.
        static let off = Rule(failures: nil, unanswered: nil)

        /// A rule for a worker of so many slots, of which a target that does not answer may hold a
        /// quarter.
        static func after(_ failures: Int?, slots: Int?) -> Rule {
            guard let failures else { return off }
            return Rule(failures: max(1, failures), unanswered: slots.map { max(1, $0 / 4) })
        }
    }

    /// A delivery that was let through; it is to be ended just once.
    struct Flight: Sendable, Hashable {
        fileprivate let period: Int
        fileprivate let answers: Int
        /// Whether it tries alone.
        let isProbe: Bool
    }

    /// Why a delivery is held back.
    enum Cause: Sendable, Hashable {
        /// So many failures in a row.
        case failures(Int)
        /// So many are under way, and none is answered.
        case silence(Int)
        /// It is well again since a moment, and as many are under way as may be.
        case recovery
    }

    enum Admission: Sendable, Hashable {
        case go
        /// Ask again in a ``Breaker/glance``.
        case wait
        case away(Duration, Cause)
    }

    private enum State {
        case closed
        case open(until: ContinuousClock.Instant)
        case probing
        case ramp(Int)
    }

    private var state = State.closed
    /// Counts the changes after which older deliveries say nothing any more.
    private var period = 0
    /// In a row, all in all.
    private(set) var failures = 0
    /// In a row, without a ramp that came to its end.
    private var openings = 0
    /// Of this period.
    private var underWay = 0
    /// Answers so far, and what has begun since the last of them and is under way.
    private var answers = 0
    private var unanswered = 0
    /// Since when none of those has been answered.
    private var quietSince: ContinuousClock.Instant
    /// When the next of those that are held back is to come again.
    private var line: ContinuousClock.Instant

    init(at now: ContinuousClock.Instant) {
        quietSince = now
        line = now
    }

    /// Whether nothing is sent but one delivery that tries.
    var isHeld: Bool {
        switch state {
        case .open, .probing: true
        case .closed, .ramp: false
        }
    }

    /// How long it is open this time, before jitter.
    var length: Duration {
        // A shift by more would overflow.
        let doublings = min(max(0, openings - 1), 16)
        return min(Self.longest, Self.shortest * (1 << doublings))
    }

    /// Why a delivery would be held back now; `nil` when it may begin.
    func objection(to rule: Rule, at now: ContinuousClock.Instant) -> Cause? {
        guard rule.failures != nil else { return nil }
        switch state {
        case .open(let until):
            return now < until ? .failures(failures) : nil
        case .probing:
            return .failures(failures)
        case .ramp(let bound) where underWay >= bound:
            return .recovery
        case .ramp, .closed:
            guard let most = rule.unanswered, unanswered >= most else { return nil }
            return .silence(unanswered)
        }
    }

    /// Asks whether a delivery may begin that has waited since `start`. `chance`, from 0 to 1, spreads
    /// those who wait longest.
    mutating func admit(
        by rule: Rule, at now: ContinuousClock.Instant, since start: ContinuousClock.Instant,
        chance: Double
    ) -> Admission {
        guard let cause = objection(to: rule, at: now) else { return .go }
        let earliest: ContinuousClock.Instant
        switch (cause, state) {
        case (.failures, .open(let until)):
            earliest = until
        case (.failures, _):
            earliest = now + length
        case (.silence, _), (.recovery, _):
            if now - quietSince < Self.moment, now - start < Self.moment { return .wait }
            earliest = now + Self.shortest
        }
        return .away(hold(until: earliest, at: now, chance: chance), cause)
    }

    /// A delivery begins that was let through; `nil` for one that goes by no breaker.
    mutating func begin(by rule: Rule, at now: ContinuousClock.Instant) -> Flight? {
        guard rule.failures != nil else { return nil }
        var isProbe = false
        if case .open = state {
            isProbe = true
            change(to: .probing)
        }
        underWay += 1
        if unanswered == 0 { quietSince = now }
        unanswered += 1
        return Flight(period: period, answers: answers, isProbe: isProbe)
    }

    /// The target answered, whatever it said of the job.
    mutating func answer(_ flight: Flight, at now: ContinuousClock.Instant) {
        land(flight)
        answers += 1
        unanswered = 0
        quietSince = now
        guard flight.period == period else { return }
        failures = 0
        line = now
        switch state {
        case .probing:
            change(to: .ramp(2))
        case .ramp(let bound) where bound < Self.rampEnd:
            state = .ramp(bound + 1)
        case .ramp:
            state = .closed
            openings = 0
        case .closed, .open:
            break
        }
    }

    /// There was no answer, or one that says that the target is broken. `chance`, from 0 to 1, makes
    /// the time it is open up to a fifth shorter, so that several workers do not try at one moment.
    mutating func fail(
        _ flight: Flight, by rule: Rule, at now: ContinuousClock.Instant, chance: Double
    ) {
        land(flight)
        guard flight.period == period, let most = rule.failures else { return }
        failures += 1
        guard flight.isProbe || failures >= most else { return }
        openings += 1
        change(to: .open(until: now + length * (1 - chance / 5)))
    }

    /// A delivery ended without telling anything of the target.
    mutating func release(_ flight: Flight, at now: ContinuousClock.Instant) {
        land(flight)
        guard flight.isProbe, flight.period == period else { return }
        // Somebody else is to try, at once.
        change(to: .open(until: now))
    }

    private mutating func land(_ flight: Flight) {
        if flight.period == period { underWay -= 1 }
        if flight.answers == answers { unanswered -= 1 }
    }

    private mutating func change(to state: State) {
        self.state = state
        period += 1
        underWay = 0
    }

    private mutating func hold(
        until earliest: ContinuousClock.Instant, at now: ContinuousClock.Instant, chance: Double
    ) -> Duration {
        let place = max(line, earliest)
        guard place - now < Pace.longestHold else {
            return Pace.longestHold * (0.5 + chance / 2)
        }
        line = place + Self.gap
        return place - now
    }
}
