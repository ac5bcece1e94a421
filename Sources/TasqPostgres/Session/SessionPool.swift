import Dispatch
package import Logging
import Synchronization
package import Tasq

/// A bounded number of sessions, lent for the length of a scope, first come first served.
///
/// Sessions connect when they are first needed. While the server is away, callers wait for the
/// next attempt, which is made by one of them, and all hear its outcome: a call fails within
/// ``PostgresSettings/patience`` and never at once, so a loop around it does not spin. Cancelling
/// a caller changes nothing: an outcome is worth writing down even while everything stops.
package final class SessionPool: Sendable {
    private let settings: PostgresSettings
    private let size: Int
    private let ledger: Mutex<PoolLedger>
    private let alarmIsSet = Mutex<ContinuousClock.Instant?>(nil)
    private let alarms = DispatchQueue(label: "tasq.postgres.pool")
    private let watch: ServerWatch
    package let counts = PoolCounts()

    package init(settings: PostgresSettings, size: Int, logger: Logger) {
        self.settings = settings
        self.size = max(1, size)
        watch = ServerWatch(logger)
        ledger = Mutex(
            PoolLedger(size: size) { Session(settings: settings, logger: logger) })
    }

    /// How many callers wait for a session now.
    package var waiting: Int { ledger.withLock { $0.waiters.count } }

    /// Whether it has said in the log that the server is out, and not yet that it answers again.
    package var isOut: Bool { watch.isOut }

    /// What the pool has done and is doing.
    package var metrics: [Metric] {
        let (used, idle, waiting) = ledger.withLock {
            ($0.lent, $0.connectedIdle, $0.waiters.count)
        }
        return counts.metrics + [
            Metric(
                "tasq_postgres_connections", .gauge, help: "Connections of the pool by state.",
                samples: [("used", used), ("idle", idle)].map {
                    .init(Double($1), labels: [.init("state", $0)])
                }),
            Metric(
                "tasq_postgres_connections_max", .gauge, help: "Connections the pool may have.",
                value: Double(size)),
            Metric(
                "tasq_postgres_pending_requests", .gauge,
                help: "Callers that wait for a connection of the pool.", value: Double(waiting)),
        ]
    }

    /// Runs one statement on the next free session.
    package func run(
        _ statement: Statement, _ parameters: Parameters
    ) async throws(StoreError) -> Rows {
        let session = try await borrow()
        let wasOut = watch.isOut
        do throws(StoreError) {
            let rows = try await session.run(statement, parameters)
            // An answer that was under way when the server went says nothing of it.
            if wasOut { watch.answered() }
            await giveBack(session)
            return rows
        } catch {
            noteFailure(error, on: session, wasOut)
            await giveBack(session)
            throw error
        }
    }

    /// Lends a session to `body` alone. A transaction left open in it is rolled back.
    @discardableResult
    package func withSession<Result: Sendable>(
        _ body: (Session) async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let session = try await borrow()
        do throws(StoreError) {
            let result = try await body(session)
            await session.tidyUp()
            await giveBack(session)
            return result
        } catch {
            noteFailure(error, on: session)
            await session.tidyUp()
            await giveBack(session)
            throw error
        }
    }

    /// Refuses new callers, waits for the borrowed sessions to come back and closes them all.
    package func close() async {
        let closing = Mutex<[Session]>([])
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let answers = ledger.withLock { ledger in
                let (idle, answers) = ledger.close { continuation.resume() }
                closing.withLock { $0 = idle }
                return answers
            }
            answers.deliver()
            serve()
        }
        for session in closing.withLock({ $0 }) { await session.close() }
    }

    private func borrow() async throws(StoreError) -> Session {
        let now = ContinuousClock.now
        let atOnce = try ledger.withLock { ledger throws(StoreError) in
            try ledger.borrow(at: now)
        }
        let lease: PoolLedger.Lease
        if let atOnce {
            lease = atOnce
        } else {
            switch await waitForLease(since: now) {
            case .success(let waitedFor): lease = waitedFor
            case .failure(let error):
                counts.failed(error)
                throw error
            }
        }
        guard lease.needsConnection else { return lease.session }
        let wasOut = watch.isOut
        do throws(StoreError) {
            try await lease.session.connect()
            counts.connects.add()
            if wasOut { watch.answered() }
            ledger.withLock { $0.connected() }
            serve()
            return lease.session
        } catch {
            counts.connectFailures.add()
            counts.failed(error)
            noteOutage(error, isSure: true)
            ledger.withLock { $0.failed(error, at: .now) }.deliver()
            await giveBack(lease.session)
            throw error
        }
    }

    private func noteFailure(_ error: StoreError, on session: Session, _ wasOut: Bool = false) {
        counts.failed(error)
        switch error {
        case .unavailable, .unknown:
            if !session.isConnected { noteOutage(error, isSure: false) }
        case .contended, .rejected, .denied, .misconfigured, .unreadable, .full:
            // The server has answered, whatever becomes of the connection.
            if wasOut { watch.answered() }
        }
    }

    private func noteOutage(_ error: StoreError, isSure: Bool) {
        guard !ledger.withLock({ $0.isClosed }) else { return }
        watch.failed(error, isSure: isSure)
    }

    private func waitForLease(
        since start: ContinuousClock.Instant
    ) async -> Result<PoolLedger.Lease, StoreError> {
        await withCheckedContinuation { continuation in
            let waiter = PoolLedger.Waiter(deadline: start + settings.patience) {
                continuation.resume(returning: $0)
            }
            let isClosed = ledger.withLock { ledger in
                if !ledger.isClosed { ledger.wait(waiter) }
                return ledger.isClosed
            }
            if isClosed { waiter.resume(.failure(PoolLedger.closedError)) } else { serve() }
        }
    }

    private func giveBack(_ session: Session) async {
        let isKept = ledger.withLock { $0.giveBack(session) }
        if !isKept { await session.close() }
        serve()
    }

    /// Serves whoever can be served and sets the alarm for whoever cannot.
    private func serve() {
        let now = ContinuousClock.now
        let (answers, alarm) = ledger.withLock { ledger in
            (ledger.serve(at: now) { busyError }, ledger.nextAlarm(after: now))
        }
        answers.deliver()
        if let alarm { setAlarm(at: alarm, now: now) }
    }

    private var busyError: StoreError {
        .unavailable(
            "postgres \(settings.safeDescription): all \(size) connections of the pool were busy "
                + "for \(settings.patience); raise the pool's size or lower the concurrency")
    }

    /// A clock of its own rather than a task's sleep, which a cancelled caller would cut short.
    private func setAlarm(at time: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        let isNeeded = alarmIsSet.withLock { set in
            if let set, set > now, set <= time { return false }
            set = time
            return true
        }
        guard isNeeded else { return }
        let wait = max(.zero, now.duration(to: time)) + .milliseconds(1)
        alarms.asyncAfter(
            deadline: .now() + .microseconds(Int(clamping: wait.inMicroseconds))
        ) { [weak self] in
            self?.alarmIsSet.withLock { $0 = nil }
            self?.serve()
        }
    }
}
