package import Logging
import Synchronization
package import Tasq

/// Raises a worker's heartbeat from a thread and a connection of its own.
///
/// No slow query, full pool or busy handler can delay it: the loop is plain, blocking code without
/// an `await`, and every wait in it ends by itself. It beats from the moment it is made until
/// ``stop()``, or until it learns that the worker was reaped.
package final class HeartbeatThread: Heartbeat {
    private struct State {
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let interrupt = Interrupt()
    private let state = Mutex(State())

    /// Starts to beat at once.
    ///
    /// `beat` gets the worker's id, whether its session lock is held, and where it is not what
    /// `watch` says of its presence, and must touch exactly one row. `lock` gets the first eight
    /// octets of the id and answers whether the lock was taken; without it neither lock nor presence
    /// tells of an end. It is run on direct connections only. `revoked` gets the jobs and claims
    /// that `watch` gives and answers the claims that stand no more. `onChange` is called on the
    /// heartbeat's own thread, with the first state and then with every change: it must not block.
    package init(
        settings: PostgresSettings, worker: WorkerRecord, beat: Statement, lock: Statement?,
        revoked: Statement? = nil, watch: ClaimWatch = .nothing, logger: Logger,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) {
        let interrupt = interrupt
        WireThread.start(named: "heartbeat") {
            // The loop's connection is closed before anybody hears that the thread has ended.
            HeartbeatLoop.run(
                settings: settings, worker: worker, beat: beat, lock: lock, revoked: revoked,
                watch: watch, interrupt: interrupt, logger: logger, onChange: onChange)
            self.end()
        }
    }

    package func stop() async {
        interrupt.signal()
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func end() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// The heartbeat as its own thread sees it.
private struct HeartbeatLoop {
    typealias Instant = ContinuousClock.Instant

    private enum Beat {
        case renewed
        case reaped
        case failed(StoreError)
    }

    /// How long one address may take to answer a connection attempt.
    private static let connectTimeout: Duration = .seconds(2)
    private static let shortestWait: Duration = .milliseconds(100)
    private static let longestWait: Duration = .seconds(1)
    /// What is left for a try that begins when the lease is all but over.
    private static let shortestTry: Duration = .milliseconds(100)
    /// The pause after a beat that could say neither of a lock nor of a presence, which takes a moment
    /// to come about, and after how many such beats it is waited for no longer.
    private static let unseenPause: Duration = .milliseconds(250)
    private static let unseenBeats = 8

    let settings: PostgresSettings
    let worker: WorkerRecord
    let beat: Statement
    let lock: Statement?
    let revoked: Statement?
    let watch: ClaimWatch
    let interrupt: Interrupt
    let logger: Logger
    let onChange: @Sendable (HeartbeatState) -> Void

    private var connection: Connection?
    /// One that gave no answer, kept until another one does: it may hold the session's lock yet, and
    /// to close it would look like this process's end.
    private var silent: Connection?
    private var holdsLock = false
    /// Beats in a row that told of nothing by which this process's end would show.
    private var unseen = 0
    private var failures = 0
    private var reported: HeartbeatState?
    /// When the last beat that was answered set out: the lease runs from there.
    private var renewedAt = Instant.now
    /// The process's pulse as it was last looked at, and for how long it has not changed since.
    private var pulse: (count: Int?, looked: Instant, still: Duration) = (nil, .now, .zero)

    static func run(
        settings: PostgresSettings, worker: WorkerRecord, beat: Statement, lock: Statement?,
        revoked: Statement?, watch: ClaimWatch, interrupt: Interrupt, logger: Logger,
        onChange: @escaping @Sendable (HeartbeatState) -> Void
    ) {
        var loop = HeartbeatLoop(
            settings: settings, worker: worker, beat: beat, lock: lock, revoked: revoked,
            watch: watch, interrupt: interrupt, logger: logger, onChange: onChange)
        loop.run()
    }

    private mutating func run() {
        while !interrupt.isSignalled {
            let began = Instant.now
            var next: Instant
            guard hasPulse(at: began) else {
                report(.stuck)
                if interrupt.wait(until: began + worker.heartbeat) { return }
                continue
            }
            switch tryToBeat() {
            case .renewed:
                (renewedAt, failures) = (began, 0)
                report(.renewed)
                tellRevoked()
                let isAwaited = unseen > 0 && unseen <= Self.unseenBeats
                let pause = isAwaited ? Self.unseenPause : worker.heartbeat
                next = began + min(pause, worker.heartbeat)
            case .reaped:
                report(.reaped)
                return
            case .failed(let error):
                if interrupt.isSignalled { return }
                if failures == 0 {
                    logger.log(
                        level: error.isTransient ? .debug : .info,
                        "the heartbeat got no answer: \(error)")
                }
                failures += 1
                next = .now + backoff(after: error)
            }
            let expiry = renewedAt + worker.lease
            if Instant.now >= expiry { report(.unknown) }
            // Wakes when the lease is over, to say so in time.
            if reported != .unknown { next = min(next, expiry) }
            if pause(until: next) { return }
        }
    }

    /// Waits for the next beat; says whether the thread is to end. A connection that ends meanwhile
    /// brings the beat forward: the session's lock fell with it, and whoever sees that waits a
    /// heartbeat at most for a sign of life.
    private func pause(until next: Instant) -> Bool {
        guard let connection, connection.ends(before: next, unless: interrupt) else {
            return interrupt.wait(until: next)
        }
        let soon = Instant.now + Self.shortestWait * Double.random(in: 0.5...1)
        return interrupt.wait(until: min(next, soon))
    }

    /// Whether the process has shown within a lease that it works. Time in which this thread did
    /// not run either, because all stood still together, counts as one heartbeat at most.
    private mutating func hasPulse(at now: Instant) -> Bool {
        let count = watch.pulse()
        let passed = min(pulse.looked.duration(to: now), worker.heartbeat)
        let still = count == pulse.count ? pulse.still + passed : .zero
        pulse = (count, now, still)
        return count == nil || still < worker.lease
    }

    private mutating func tryToBeat() -> Beat {
        do throws(StoreError) {
            let connection = try standingConnection()
            if let lock, !connection.isPooled, !holdsLock {
                var parameters = Parameters()
                parameters.append(Int64(bitPattern: worker.id.high))
                let held = try ask(lock, parameters, connection).column(of: Bool.self)
                holdsLock = held.first ?? false
            }
            var parameters = Parameters()
            parameters.append(worker.id)
            parameters.append(holdsLock)
            // Whoever may hold no lock may not be found dead by its absence either (lock.sql).
            let presence = holdsLock || lock == nil ? nil : watch.presence()
            parameters.append(presence)
            let isKnown = try ask(beat, parameters, connection).affected > 0
            silent = nil
            unseen = holdsLock || lock == nil || presence != nil ? 0 : unseen + 1
            return isKnown ? .renewed : .reaped
        } catch {
            return .failed(error)
        }
    }

    /// Asks which running claims were taken away. Without an answer they are asked for again after
    /// the next beat; the beat itself has been made.
    private mutating func tellRevoked() {
        guard let revoked, let connection else { return }
        let running = watch.running()
        guard !running.isEmpty else { return }
        var parameters = Parameters()
        parameters.append(running.map(\.job))
        parameters.append(running.map(\.claim))
        do throws(StoreError) {
            let gone: [ClaimToken] = try ask(revoked, parameters, connection).column()
            if !gone.isEmpty { watch.onRevoked(gone) }
        } catch {
            logger.debug("could not ask for revoked claims: \(error)")
        }
    }

    private mutating func ask(
        _ statement: Statement, _ parameters: Parameters, _ connection: Connection
    ) throws(StoreError) -> Rows {
        do throws(Connection.Failure) {
            return try connection.run(
                statement, parameters, prepares: !connection.isPooled,
                until: .now + limit(answerTimeout))
        } catch {
            if !error.keepsConnection {
                silent = silent ?? connection
                self.connection = nil
            }
            throw .from(error, at: settings.safeDescription)
        }
    }

    private mutating func standingConnection() throws(StoreError) -> Connection {
        if let connection, connection.stillStands() { return connection }
        (connection, holdsLock) = (nil, false)
        let opened = try Connection.open(
            to: settings.target(
                connectTimeout: Self.connectTimeout,
                userTimeout: worker.lease),
            timeout: limit(Self.connectTimeout),
            limits: Connection.Limits(
                statement: answerTimeout, lock: answerTimeout, idleInTransaction: answerTimeout),
            assumesPooler: settings.assumesPooler, interrupt: interrupt)
        connection = opened
        return opened
    }

    /// A beat may be slow without being lost; a third of the lease leaves time for others.
    private var answerTimeout: Duration { max(worker.heartbeat, worker.lease / 3) }

    /// Cuts a wait so that the end of the lease is noticed when it comes.
    private func limit(_ wait: Duration) -> Duration {
        guard reported != .unknown else { return wait }
        return min(wait, max(Self.shortestTry, Instant.now.duration(to: renewedAt + worker.lease)))
    }

    /// Between half and the whole of a wait that doubles, never longer than a beat. After a refusal
    /// it is long, so that no account is locked, but while the lease runs there is time for another.
    private func backoff(after error: StoreError) -> Duration {
        var wait = Backoff.length(
            after: failures, from: Self.shortestWait, to: min(Self.longestWait, worker.heartbeat))
        if !error.isTransient {
            wait = max(wait, min(ConnectGate.refusalWait, worker.lease / 2))
        }
        return wait * Double.random(in: 0.5...1)
    }

    private mutating func report(_ state: HeartbeatState) {
        guard state != reported else { return }
        reported = state
        onChange(state)
    }
}
