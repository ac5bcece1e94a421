/// Whether a target is delivered to at all: failures in a row open it, and then nothing is sent for a
/// while; one delivery tries, and when that is answered more and more follow.
///
/// It is open for ``shortest``, then twice as long each time that the one delivery fails, up to
/// ``longest``. After an answer two may be under way, one more for each answer that follows, so twice
/// as many each round, and from ``rampEnd`` on any number. The answers to what was sent before the
/// breaker last changed say nothing of the target as it is now.
///
/// A target that hangs would hold every slot of a worker until its deliveries time out. So while it is
/// in doubt whether a target answers, only so many may be under way, ``Rule/unanswered``; the next ones
/// wait up to ``Pace/patience`` for an answer and are held back otherwise. It is in doubt until the first
/// answer, after a delivery that got none in its time, and when none has come for twice the longest that
/// an answer took of late. A target that is well is not bound by that, however slow it is.
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
    /// For how long any target may be silent, and how long a delivery waits in its slot while few
    /// may be under way.
    static let moment = Duration.milliseconds(250)
    /// How soon one that waits in its slot looks again at first.
    static let glance = Duration.milliseconds(10)
    /// For about how long it is remembered how long an answer took.
    static let memory = Duration.seconds(60)
    /// Between the turns of those that are held back.
    static let gap = Duration.milliseconds(20)

    /// What a handler asks of it.
    struct Rule: Sendable, Hashable {
        /// Failures in a row that open it; `nil`: the handler goes by no breaker, and its deliveries do
        /// not count.
        var failures: Int?
        /// Deliveries that may be under way while it is in doubt whether the target answers; `nil`: any
        /// number.
        var unanswered: Int?

        /// No breaker.
        static let off = Rule(failures: nil, unanswered: nil)

        /// A rule for a worker of so many slots, of which a target that is in doubt may hold a quarter.
        static func after(_ failures: Int?, slots: Int?) -> Rule {
            guard let failures else { return off }
            return Rule(failures: max(1, failures), unanswered: slots.map { max(1, $0 / 4) })
        }
    }

    /// A delivery that was let through; it is to be ended just once.
    struct Flight: Sendable, Hashable {
        fileprivate let period: Int
        fileprivate let answers: Int
        fileprivate let began: ContinuousClock.Instant
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
        /// Ask again, as an answer may come at any time.
        case wait
        case away(Duration, Cause)
    }

    private enum State {
        case closed
        case open(until: ContinuousClock.Instant)
        case probing(since: ContinuousClock.Instant)
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
    private var answeredAt: ContinuousClock.Instant
    /// Whether an answer is the last that is known of it.
    private var isProven = false
    /// About the longest that an answer took within ``memory``; a shorter one lowers it slowly, however
    /// many of them come.
    private var usual = Duration.zero
    /// When the next of those that are held back is to come again.
    private var line: ContinuousClock.Instant

    init(at now: ContinuousClock.Instant) {
        quietSince = now
        answeredAt = now
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

    /// For how long a target that is well may be silent.
    private var due: Duration { max(Self.moment, usual * 2) }

    /// Whether it may be that the target does not answer.
    private func isDoubtful(at now: ContinuousClock.Instant) -> Bool {
        guard isProven else { return true }
        // A quick one that has had nothing to do shows by the first few whether it still is well. A
        // slow one would keep the others waiting for that.
        let since = due > Self.moment ? quietSince : answeredAt
        return now - since >= due
    }

    /// Whether a delivery has waited for longer than an answer takes.
    func isLate(_ flight: Flight, at now: ContinuousClock.Instant) -> Bool {
        now - flight.began >= max(Pace.patience, usual)
    }

    /// Why a delivery would be held back now; `nil` when it may begin.
    func objection(to rule: Rule, at now: ContinuousClock.Instant) -> Cause? {
        guard rule.failures != nil else { return nil }
        switch state {
        case .open(let until):
            return now < until ? .failures(failures) : nil
        case .probing(let since):
            // One that hangs for as long as its handler lets it is not the only one to try.
            return now - since < max(Self.longest, due) ? .failures(failures) : nil
        case .ramp(let bound) where underWay >= bound:
            return .recovery
        case .ramp, .closed:
            guard let most = rule.unanswered, unanswered >= most, isDoubtful(at: now) else {
                return nil
            }
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
            let bound = cause == .recovery ? Self.moment : Pace.patience
            if now - quietSince < bound, now - start < bound { return .wait }
            earliest = now + Self.shortest
        }
        return .away(hold(until: earliest, at: now, chance: chance), cause)
    }

    /// A delivery begins that was let through; `nil` for one that goes by no breaker.
    mutating func begin(by rule: Rule, at now: ContinuousClock.Instant) -> Flight? {
        guard rule.failures != nil else { return nil }
        let isProbe = isHeld
        if isProbe { change(to: .probing(since: now)) }
        underWay += 1
        if unanswered == 0 { quietSince = now }
        unanswered += 1
        return Flight(period: period, answers: answers, began: now, isProbe: isProbe)
    }

    /// The target answered, whatever it said of the job.
    mutating func answer(_ flight: Flight, at now: ContinuousClock.Instant) {
        land(flight)
        // Another may try beside one that takes very long; the first answer of them counts.
        let isProbe = if case .probing = state { flight.isProbe } else { false }
        guard flight.period == period || isProbe else { return }
        let time = now - flight.began
        let forgotten = min(max(0, (now - answeredAt) / Self.memory), 1)
        usual = max(time, usual - (usual - time) * forgotten)
        answers += 1
        unanswered = 0
        quietSince = now
        answeredAt = now
        isProven = true
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
        if isLate(flight, at: now) { isProven = false }
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
