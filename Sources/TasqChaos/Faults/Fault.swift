/// Something that is done to a running system, and what must hold all the same.
struct Fault: Sendable {
    /// As in `--fault`.
    let name: String
    /// One line: what is done.
    let summary: String
    /// Belongs to the fast part, which the tests run in small sizes.
    var isQuick = false
    /// What it needs beside PostgreSQL and Redis; a run without it is skipped with this reason.
    var needs: [Need] = []
    var setup = Setup()
    /// Its own pass figures, beyond the invariants.
    var limits: [Limit] = []
    /// Why nobody asks how soon all goes on as before; else a run does, see ``Plan/limits``.
    var hasNoRecovery: String?
    /// Notes itself when it disturbs and when it does not, because much of the time it does not.
    var marksItself = false
    /// Starts what it needs beside the servers, before the first process of tasq starts.
    var prepare: @Sendable (inout Stage) async throws -> Void = { _ in }
    /// Does it and undoes it again; returns what it measured itself.
    let strike: @Sendable (Rig) async throws -> [Figure]

    /// How the run differs from the usual.
    struct Setup: Sendable {
        /// Jobs a worker runs at once.
        var slots = 8
        /// How many workers, where the fault is about their number.
        var workers: Int?
        /// Which programs the workers are, in turn.
        var programs: [WorkerProgram] = [.chaos, .tasq, .chaos]
        /// Whether the second worker serves one queue only.
        var hasNarrowWorker = false
        /// Whether the server counts, at the end, what its clients were told.
        var comparesCounters = false
        /// Whether every worker holds the maintenance term at once.
        var allLead = false
        /// Whether all begins with the program of before: the schema, the server and the workers.
        var startsOld = false
        var redisArguments: [String] = []
        var postgresSettings: [String: String] = [:]
        /// How long the load runs before the fault, which is what all is measured by afterwards; see
        /// ``Plan/calm``.
        var calm = Duration.seconds(10)
        /// Run in the database before the load.
        var sql: String?
        /// Jobs that are queued before the first worker starts.
        var backlog = 0
        /// Jobs asked for a second.
        var rate = 250.0
        /// Whether the load is the usual mixture, or jobs of one length.
        var load = Load.mixture
        /// Whether it leaves nothing of the machine to a run beside it.
        var fillsMachine = false
        /// Whether PostgreSQL gets its time from a file, see ``FakeClock``.
        var fakesClock = false
        /// Whether PostgreSQL's clock can be compared with the others.
        var clockIsTrue = true
        /// More that the checkers must know.
        var settings: [(name: String, value: Double)] = []
        /// What is allowed because the fault cannot but cause it.
        var allows: Set<Allowance> = []
        /// What need not hold while it disturbs, and until all may be expected to be healed.
        var excuses = Excuse.all
    }

    /// Something that holds all the time, unless a fault cannot but spoil it for a while.
    enum Excuse: String, Sendable, CaseIterable {
        /// Claims may stand without a living worker.
        case orphans = "excuse_orphans"
        /// Jobs may wait beside free slots.
        case stuck = "excuse_stuck"
        /// There may be more connections than usual.
        case connections = "excuse_connections"
        /// There may be more ids on the lists than jobs.
        case lists = "excuse_lists"
        /// Workers to which nothing was done may beat late.
        case beats = "excuse_beats"

        static let all = Set(allCases)
        /// PostgreSQL is as it was, or nearly: what matters has no reason to be late.
        static let ofSlowness: Set<Excuse> = [.stuck, .lists]
        /// What is done to one worker is no reason for another to beat late.
        static let ofWorkers = all.subtracting([.beats])
    }

    enum WorkerProgram: Sendable {
        /// `tasq-chaos worker`, the library in a program of its own.
        case chaos
        /// `tasq work`.
        case tasq
        /// The `tasq work` of before, see ``Fault/oldProgram``.
        case old
    }

    enum Load: Sendable {
        case mixture
        /// Jobs that take this many milliseconds and succeed.
        case plain(milliseconds: Int)

        var isMixture: Bool { if case .mixture = self { true } else { false } }
    }

    /// Something that a checker must not count as a finding under this fault.
    enum Allowance: String, Sendable {
        /// The last commits of a primary that is lost may be lost with it.
        case lostCommits = "lost_commits"
        /// Workers are declared dead on purpose.
        case falseDeaths = "false_deaths"
        /// Jobs are called off or retried by hand.
        case retries
    }

    /// What must be there for it.
    enum Need: Sendable, Hashable {
        case root
        /// A program, and the Debian package that has it.
        case program(String, package: String)
        /// The library behind ``FakeClock``.
        case fakeClock
        /// Control groups, see ``MemoryGroup``.
        case memoryGroups
        /// A `tasq` of an older version, see ``Fault/oldProgram``.
        case oldProgram
        /// A build with fail points in it.
        case debugBuild
    }
}

/// A measured number.
struct Figure: Sendable {
    let name: String
    let value: Double
    /// "ms", "jobs/s", "%" or "" for a count.
    var unit = ""
}

/// A bound that a figure must keep.
struct Limit: Sendable {
    let figure: String
    /// At most this.
    var most: Double?
    /// At least this.
    var least: Double?
    /// Where it is asked for; everywhere if nil.
    var profile: Profile?

    func isFor(_ profile: Profile) -> Bool { self.profile.map { $0 == profile } ?? true }

    func holds(for value: Double) -> Bool {
        (most.map { value <= $0 } ?? true) && (least.map { value >= $0 } ?? true)
    }

    static let noRequestFails = atMost(0, "requests failed")
    /// What callers see of a Redis that is away: nothing.
    static let unseen = [noRequestFails, .atMost(100, "enqueue p99 during")]
    /// Of a Redis that is back, every worker knows at once, not only those that keep the rate up.
    static let noneSleeps = [Limit.atMost(3000, "last worker at work again")]
    /// What callers see of a PostgreSQL that is away: that they are to come again, while it is.
    static let clear: [Limit] = [
        .atMost(0, "requests failed before"), .atMost(0, "requests without a clear answer"),
    ]

    static func atMost(_ most: Double, _ figure: String, in profile: Profile? = nil) -> Limit {
        Limit(figure: figure, most: most, profile: profile)
    }

    static func atLeast(_ least: Double, _ figure: String, in profile: Profile? = nil) -> Limit {
        Limit(figure: figure, least: least, profile: profile)
    }
}
