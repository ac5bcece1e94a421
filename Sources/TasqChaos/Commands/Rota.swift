/// One fault with one seed.
struct Run: Sendable, Hashable {
    let fault: String
    let seed: UInt64
    /// Whether nothing else may go on meanwhile, see ``Plan/isApart``.
    private(set) var isApart: Bool
    /// Whether others do.
    var isBeside = false

    init(_ plan: Plan) {
        fault = plan.fault.name
        seed = plan.seed
        isApart = plan.isApart
    }

    /// The same, to be made once more and with nothing beside it.
    var alone: Run {
        var run = self
        run.isApart = true
        run.isBeside = false
        return run
    }
}

/// In which order runs are made, and which of them go on beside each other.
///
/// Seed by seed, so that a sitting that ends early has made every fault once rather than a few
/// five times. Where several go on at once, those that fill the machine come last of their seed: the
/// others have to end before each of them begins.
struct Rota: Sendable {
    private var waiting: [Run]
    private let atOnce: Int
    private var underway = 0
    private var isHeldApart = false

    init(_ runs: [Run], atOnce: Int) {
        self.atOnce = atOnce
        var waiting: [Run] = []
        for seed in Set(runs.map(\.seed)).sorted() {
            let round = runs.filter { $0.seed == seed }
            waiting += atOnce == 1 ? round : round.filter { !$0.isApart } + round.filter(\.isApart)
        }
        self.waiting = waiting
    }

    /// The run to begin now; nil where another has to end first, or none is left.
    mutating func next() -> Run? {
        guard var run = waiting.first, !isHeldApart, underway < (run.isApart ? 1 : atOnce) else {
            return nil
        }
        waiting.removeFirst()
        run.isBeside = atOnce > 1 && !run.isApart
        isHeldApart = run.isApart
        underway += 1
        return run
    }

    /// One that was begun has ended.
    mutating func ended() {
        underway -= 1
        isHeldApart = false
    }

    /// One that has ended shows nothing, for others may have moved its figures: it is made alone
    /// once all the others are through.
    mutating func again(_ run: Run) { waiting.append(run.alone) }
}
