/// Whose turn it is while suspects wait: theirs, or that of the other jobs.
struct SuspectTurns: Sendable {
    /// How long a suspect may have a worker to itself, and several in a row before the others' turn.
    static let alone = Duration.seconds(2)
    /// Queues that are remembered; more are pointed out again by a later sweep.
    static let limit = 1000

    /// Queues of which a suspect may be claimed.
    private(set) var known: Set<Name> = []
    /// Queues where a sweep has told of a suspect: the store is to be asked whose turn it is.
    private var heard: Set<Name> = []
    /// When the turn is another's; `nil` is never.
    private(set) var end: ContinuousClock.Instant?
    /// Until then the others run, though it is the suspects' turn.
    private var rest: ContinuousClock.Instant?

    /// Suspects wait on these queues, and whoever comes next may claim one.
    mutating func know(of queues: some Sequence<Name>) {
        for queue in queues where known.count < Self.limit { known.insert(queue) }
    }

    /// A sweep has told of a suspect on this queue.
    mutating func hear(of queue: Name) {
        if heard.count < Self.limit { heard.insert(queue) }
    }

    /// Takes those of these queues of which a suspect may be claimed: whoever gets them sees to it.
    mutating func takeKnown(among queues: [Name]) -> Set<Name> {
        guard !known.isEmpty else { return [] }
        let found = known.intersection(queues)
        known.subtract(found)
        return found
    }

    /// Whether the store is to be asked whose turn it is on one of these queues. Whoever is told so
    /// asks; if that fails, the next sweep tells of the suspect again.
    mutating func takeHeard(among queues: [Name]) -> Bool {
        guard asks else { return false }
        let found = heard.intersection(queues)
        heard.subtract(found)
        return !found.isEmpty
    }

    /// The store is to be asked.
    var asks: Bool { !heard.isEmpty }

    /// It is the turn of whoever asked at that moment.
    mutating func note(_ turn: SuspectsTurn, asked: ContinuousClock.Instant) {
        known = [turn.queue]
        end = asked + turn.left
    }

    /// Suspects may run now.
    func areDue(at now: ContinuousClock.Instant) -> Bool {
        !known.isEmpty && rest.map { now >= $0 } ?? true
    }

    /// The suspects have had their time. Where nothing will tell that more of them wait, it is their
    /// turn again when the others have had as long, unless this was the last.
    mutating func noteTime(isLast: Bool, isTold: Bool, at now: ContinuousClock.Instant) {
        if isTold || isLast { known = [] }
        rest = isTold ? nil : now + Self.alone
    }
}
