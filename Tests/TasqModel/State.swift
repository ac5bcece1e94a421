/// Where a job stands.
package enum Status: UInt8, Sendable {
    case scheduled, queued, executing, success, error, cancelled

    var isFinal: Bool { rawValue >= Status.success.rawValue }
}

/// The committed version of a job's row.
package struct JobRow: Sendable, Equatable {
    package var status: Status
    package var attempt: UInt8 = 0
    var maxAttempts: UInt8
    var crashes: UInt8 = 0
    var handbacks: UInt8 = 0
    /// The claim whose settlement was the last; 0 when nobody can ask for it any more.
    var lastClaim: UInt8 = 0

    var code: UInt64 {
        UInt64(status.rawValue) &+ UInt64(attempt) &<< 3 &+ UInt64(maxAttempts) &<< 7
            &+ UInt64(crashes) &<< 11 &+ UInt64(handbacks) &<< 14 &+ UInt64(lastClaim) &<< 17
    }
}

/// A claim and the run it gave the right to, for as long as anything refers to them. Its number
/// is the token; a number is used again only when nobody can tell the difference.
struct Run: Sendable, Equatable {
    enum Phase: UInt8 {
        case none
        /// Its handler runs, as far as its worker knows.
        case running
        /// Its outcome waits to be settled, for the first time or again.
        case pending
        /// A settlement of it is under way, and its worker waits for the answer.
        case settling
        /// The settlement did not end the claim: its worker asks what became of it.
        case asking
        /// Its worker does not know of it: the claim's answer got lost.
        case unknown
        /// Its worker died or discarded it.
        case dropped
    }

    /// What became of the claim, and what the attempt's record says of it.
    enum Fate: UInt8 {
        case stands, settled, handedBack, reaped, cancelled
    }

    var phase = Phase.none
    var fate = Fate.stands
    var worker: UInt8 = 0
    var attempt: UInt8 = 0
    var verdict = Verdict.success

    var isOver: Bool { fate != .stands && phase == .dropped }

    /// Without what can make no difference any more.
    func code(swapping swap: UInt8) -> UInt64 {
        if isOver { return UInt64(Phase.dropped.rawValue) &+ 1 &<< 3 }
        return UInt64(phase.rawValue) &+ UInt64(fate.rawValue) &<< 3
            &+ UInt64(verdict.rawValue) &<< 6 &+ UInt64(worker ^ swap) &<< 8
    }
}

/// A statement that is under way in a transaction of its own.
struct Flight: Sendable {
    var statement: Statement
    /// On whose behalf, for claims and settlements.
    var worker: UInt8 = Flight.nobody
    /// Whether somebody waits for its answer.
    var hasClient = true
    /// Whether one row is enough, as for a sweep with one free slot.
    var takesOne = false
    var parts: InlineArray<2, Part> = [Part(), Part()]

    var code: UInt64 {
        UInt64(statement.rawValue) &+ (hasClient ? 16 : 0) &+ (takesOne ? 32 : 0)
            &+ parts[0].code &<< 8 &+ parts[1].code &<< 32
    }

    var isDone: Bool { parts[0].isOut && parts[1].isOut }

    /// Whether it looks for rows that are due by its `now()`.
    var comparesTime: Bool { statement.isClaim || statement == .promote }

    /// Whether it may write its `now()`, or later, into `run_at`.
    var setsTime: Bool {
        statement == .retry || parts[0].setsTime(statement) || parts[1].setsTime(statement)
    }

    static let nobody: UInt8 = 8
}

/// What a statement has to do with one job, and how far it is.
struct Part: Sendable, Equatable {
    /// The next of the statement's steps; ``out`` when there is none.
    var next: UInt8 = Part.out
    var holdsJob = false
    var wroteJob = false
    var wroteClaim = false
    var wroteKey = false
    /// Whether the job's row was written by another since the snapshot.
    var isStale = false
    /// Whether the job's `run_at` is later by now than the statement's `now()`.
    var isPostponed = false
    /// Whether the snapshot shows the unique key as this job's.
    var seesKey = false
    /// The claim that the snapshot shows and that is to be deleted; 0 for none.
    var target: UInt8 = 0
    /// The claim that an outcome belongs to; 0 for none.
    var token: UInt8 = 0
    /// The attempt that a new claim will carry.
    var attempt: UInt8 = 0
    var verdict = Verdict.success

    static let out: UInt8 = 7

    func setsTime(_ statement: Statement) -> Bool {
        statement == .retry || statement == .settle && token != 0 && verdict == .retry
    }

    var isOut: Bool { next == Part.out }

    var code: UInt64 {
        UInt64(next) &+ (holdsJob ? 8 : 0) &+ (wroteJob ? 16 : 0) &+ (wroteClaim ? 32 : 0)
            &+ (wroteKey ? 64 : 0) &+ (isStale ? 128 : 0) &+ (seesKey ? 256 : 0)
            &+ UInt64(target) &<< 9 &+ UInt64(token) &<< 12 &+ UInt64(attempt) &<< 15
            &+ UInt64(verdict.rawValue) &<< 19 &+ (isPostponed ? 1 &<< 21 : 0)
    }
}

/// The database as it is committed, what is under way, and what its clients know.
struct State: Sendable {
    static let slots = 3

    var jobs: InlineArray<2, JobRow>
    /// The claim on each job; 0 for none.
    var claims: InlineArray<2, UInt8> = [0, 0]
    /// Three numbers for each job.
    var runs: InlineArray<6, Run> = .init(repeating: Run())
    /// Who holds the unique key: 0 for nobody, otherwise the job's number plus one.
    var key: UInt8 = 0
    var flights: [Flight] = []
    /// A bit for each worker's id that has a row. An id is the process's place, plus two for every
    /// time it was born again.
    var rows: UInt8 = 0
    /// The id under which each process goes.
    var ids: InlineArray<2, UInt8> = [0, 1]
    var isUp: InlineArray<2, Bool> = [true, true]
    /// Executions that count as attempts.
    var counted: InlineArray<2, UInt8> = [0, 0]
    /// What the reaper listed, where it works in two statements: a bit for each job.
    var listed: UInt8 = 0
    var deaths: UInt8 = 0
    var pauses: UInt8 = 0
    var losses: UInt8 = 0
    var operations: UInt8 = 0
    /// Whether statements may begin and clients act: see `Model.successors`.
    var isOpen = true

    init(_ scope: Scope) {
        let fresh = JobRow(status: .queued, maxAttempts: scope.maxAttempts)
        jobs = [fresh, fresh]
        if scope.jobs == 1 { jobs[1].status = .success }
        rows = scope.workers == 1 ? 1 : 3
        isUp[1] = scope.workers == 2
        if scope.sharesKey {
            key = 1
            jobs[1].status = .error
        }
        deaths = scope.deaths
        pauses = scope.pauses
        losses = scope.losses
        operations = scope.operations
    }

    func run(_ job: Int, _ token: UInt8) -> Run {
        runs[job &* State.slots &+ Int(token) &- 1]
    }

    func hasRow(_ worker: UInt8) -> Bool { rows & (1 &<< worker) != 0 }

    /// Whether a process goes under this id.
    func isAlive(_ worker: UInt8) -> Bool {
        let place = Int(worker & 1)
        return isUp[place] && ids[place] == worker
    }
}

extension State {
    /// A number that two states share only if they are the same but for the processes' names.
    var fingerprint: UInt64 {
        let straight = fingerprint(swapping: 0)
        return min(straight, fingerprint(swapping: 1))
    }

    private func fingerprint(swapping swap: UInt8) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        hash = mix(hash, jobs[0].code &+ jobs[1].code &<< 24)
        hash = mix(hash, world(swap))
        for index in 0..<6 where runs[index].phase != .none {
            hash = mix(hash, runs[index].code(swapping: swap) &+ UInt64(index &+ 1) &<< 24)
        }
        return mix(hash, flightsFingerprint(swap))
    }

    /// The order in which statements began matters only between one that sets `run_at` and one
    /// that compares it with its `now()`.
    private func flightsFingerprint(_ swap: UInt8) -> UInt64 {
        let isOrdered =
            flights.contains { $0.comparesTime } && flights.contains { $0.setsTime }
        var sum: UInt64 = 0
        for flight in flights {
            let worker = UInt64(
                flight.worker < Flight.nobody ? flight.worker ^ swap : Flight.nobody)
            let hash = mix(mix(0x1234_5678_9ABC_DEF1, flight.code), worker)
            sum = isOrdered ? mix(sum, hash) : sum &+ hash
        }
        return sum
    }

    private func world(_ swap: UInt8) -> UInt64 {
        let place = Int(swap)
        var code = UInt64(claims[0]) &+ UInt64(claims[1]) &<< 3 &+ UInt64(key) &<< 6
        let rows = swap == 0 ? self.rows : (self.rows & 0x55) &<< 1 | (self.rows & 0xAA) &>> 1
        code = code &+ UInt64(rows) &<< 8
        code = code &+ UInt64(ids[place] ^ swap) &<< 16 &+ UInt64(ids[1 &- place] ^ swap) &<< 19
        code = code &+ (isUp[place] ? 1 &<< 22 : 0) &+ (isUp[1 &- place] ? 1 &<< 23 : 0)
        code = code &+ UInt64(counted[0]) &<< 24 &+ UInt64(counted[1]) &<< 28
        code = code &+ UInt64(listed) &<< 32 &+ UInt64(deaths) &<< 36 &+ UInt64(pauses) &<< 40
        code = code &+ UInt64(losses) &<< 44 &+ UInt64(operations) &<< 48
        return code &+ (isOpen ? 1 &<< 52 : 0)
    }

    private func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        var x = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
        x ^= x &>> 32
        x = x &* 0xC4CE_B9FE_1A85_EC53
        return x ^ (x &>> 29)
    }
}
