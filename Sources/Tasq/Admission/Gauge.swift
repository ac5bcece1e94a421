/// How full a queue with a limit is, as far as one process knows: what its latest look counted, and
/// what it has put in itself since that look began.
struct Gauge: Sendable {
    /// As the latest look found it.
    private(set) var standing: LimitStanding
    /// Whether that look asked for the queue's level.
    private(set) var isKnown = false
    /// Jobs that this process has put in, and how many those were when the latest look began.
    private var stored = 0
    private var base = 0
    /// Jobs on their way into the table.
    private var flying = 0
    /// Since when it has refused jobs, and whether that was said.
    private var isRefusing = false
    private var isTold = false
    private var toldAt: ContinuousClock.Instant?

    /// One line in so long says that a queue refuses.
    static let silence = Duration.seconds(60)
    /// When those who were refused are to come again, in seconds: spread, so that not all come at once.
    static let delays = 1...10

    init(_ standing: LimitStanding) {
        self.standing = standing
    }

    /// What is stored when a look begins.
    var mark: Int { stored }

    /// Takes what a look found that began at a mark.
    mutating func take(_ standing: LimitStanding, isKnown: Bool, since mark: Int) {
        self.standing = standing
        self.isKnown = isKnown
        base = mark
    }

    /// Jobs that wait, those that this process is putting in among them.
    var level: Int { (standing.level ?? 0) + stored - base + flying }

    /// Why it does not take these; `nil` when it does.
    func refusal(of demand: Demand) -> QueueFull? {
        let limit = standing.limit
        var full = QueueFull(
            cause: .batch, limit: limit, level: limit.maxDepth == nil ? 0 : level,
            oldestWait: standing.oldestWait, retryAfter: nil)
        if let maxDepth = limit.maxDepth, demand.due > maxDepth, !demand.isEvent { return full }
        if standing.isTooOld {
            full.cause = .age
        } else {
            guard let maxDepth = limit.maxDepth,
                level >= maxDepth || level + min(demand.due, maxDepth) > maxDepth
            else { return nil }
            full.cause = .depth
        }
        full.retryAfter = .seconds(Int.random(in: Self.delays))
        return full
    }

    /// Whether it would refuse a single job.
    private var isFull: Bool {
        standing.isTooOld || standing.limit.maxDepth.map { level >= $0 } ?? false
    }

    mutating func begin(_ jobs: Int) { flying += jobs }

    /// Jobs have been written or have not. A gauge that was made meanwhile does not know of them.
    mutating func end(_ jobs: Int) { flying = max(0, flying - jobs) }

    mutating func store(_ jobs: Int) { stored += jobs }

    /// It has refused; whether that is to be said now.
    mutating func refuse(at now: ContinuousClock.Instant) -> Bool {
        guard isFull, !isRefusing else { return false }
        isRefusing = true
        if let toldAt, now - toldAt < Self.silence { return false }
        toldAt = now
        isTold = true
        return true
    }

    /// Whether it is to be said now that it takes jobs again, having said that it does not. A level
    /// that nobody asked for says nothing.
    mutating func relent(isGone: Bool = false) -> Bool {
        guard isRefusing, isGone || isKnown && !isFull else { return false }
        isRefusing = false
        defer { isTold = false }
        return isTold
    }
}
