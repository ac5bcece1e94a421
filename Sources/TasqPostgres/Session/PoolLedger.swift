import DequeModule
import Tasq

/// Who has which session, and who waits for one: the pool's book, without any waiting of its own.
struct PoolLedger {
    typealias Instant = ContinuousClock.Instant

    struct Waiter {
        let deadline: Instant
        let resume: @Sendable (Result<Lease, StoreError>) -> Void
    }

    /// A borrowed session, and whether it has to connect first.
    struct Lease: Sendable {
        let session: Session
        let needsConnection: Bool
    }

    /// Callers to be resumed after the lock is released.
    struct Answers {
        var resumptions: [@Sendable () -> Void] = []

        func deliver() {
            for resume in resumptions { resume() }
        }
    }

    private let size: Int
    private let makeSession: @Sendable () -> Session
    private var idle: [Session] = []
    private(set) var lent = 0
    private(set) var waiters: Deque<Waiter> = []
    private var gate = ConnectGate()
    private(set) var isClosed = false
    private var closers: [@Sendable () -> Void] = []

    init(size: Int, makeSession: @escaping @Sendable () -> Session) {
        self.size = max(1, size)
        self.makeSession = makeSession
    }

    /// Sessions that nobody has borrowed and that stand.
    var connectedIdle: Int { idle.count(where: \.isConnected) }

    static let closedError = StoreError.unavailable("the PostgreSQL pool is closed")

    /// Lends a session at once, unless somebody waits already or there is none to lend.
    mutating func borrow(at now: Instant) throws(StoreError) -> Lease? {
        guard !isClosed else { throw Self.closedError }
        return waiters.isEmpty ? lend(at: now) : nil
    }

    mutating func wait(_ waiter: Waiter) {
        waiters.append(waiter)
    }

    /// A lease's session has connected.
    mutating func connected() {
        gate.succeeded()
    }

    /// A lease's session could not connect: whoever waits would hear the same.
    mutating func failed(_ error: StoreError, at now: Instant) -> Answers {
        gate.failed(error, at: now)
        var answers = Answers()
        guard idle.allSatisfy({ !$0.isConnected }) else { return answers }
        while let waiter = waiters.popFirst() {
            answers.resumptions.append { waiter.resume(.failure(error)) }
        }
        return answers
    }

    /// Takes a session back; returns `false` when it must be closed instead.
    mutating func giveBack(_ session: Session) -> Bool {
        lent -= 1
        guard !isClosed else { return false }
        idle.append(session)
        return true
    }

    /// Serves waiters in order and turns away those whose patience has run out.
    mutating func serve(at now: Instant, busy: () -> StoreError) -> Answers {
        var answers = Answers()
        while let waiter = waiters.first {
            if let lease = lend(at: now) {
                waiters.removeFirst()
                answers.resumptions.append { waiter.resume(.success(lease)) }
            } else if waiter.deadline <= now {
                waiters.removeFirst()
                let error = gate.reason ?? busy()
                answers.resumptions.append { waiter.resume(.failure(error)) }
            } else {
                break
            }
        }
        if isClosed && lent == 0 {
            // One by one: appending the array as a whole casts its closures' type at run time.
            for closer in closers { answers.resumptions.append(closer) }
            closers = []
        }
        return answers
    }

    /// When ``serve(at:busy:)`` has to be called next if nothing happens before.
    func nextAlarm(after now: Instant) -> Instant? {
        guard let first = waiters.first else { return nil }
        guard let opensAt = gate.opensAt, opensAt > now else { return first.deadline }
        return min(first.deadline, opensAt)
    }

    /// Lends nothing any more; `whenEmpty` is called when the last session is back. Returns the
    /// sessions to close.
    mutating func close(whenEmpty: @escaping @Sendable () -> Void) -> ([Session], Answers) {
        isClosed = true
        closers.append(whenEmpty)
        defer { idle = [] }
        var answers = Answers()
        while let waiter = waiters.popFirst() {
            answers.resumptions.append { waiter.resume(.failure(Self.closedError)) }
        }
        return (idle, answers)
    }

    /// The session used last that stands; else one that has to connect, if the gate is open.
    private mutating func lend(at now: Instant) -> Lease? {
        if let index = idle.lastIndex(where: \.isConnected) {
            lent += 1
            return Lease(session: idle.remove(at: index), needsConnection: false)
        }
        guard idle.count + lent < size || !idle.isEmpty, gate.admits(at: now) else { return nil }
        lent += 1
        return Lease(session: idle.popLast() ?? makeSession(), needsConnection: true)
    }
}
