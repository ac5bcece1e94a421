public import Logging
public import ServiceLifecycle
import Synchronization

/// A worker process: finds jobs, claims them, runs them and settles their outcomes.
///
/// `run()` goes on until a graceful shutdown or cancellation. It then takes nothing more, lets
/// handlers finish within the grace period, hands the rest back without burning an attempt, and
/// deregisters. A worker that lost its lease (it was stopped, or cut off from PostgreSQL) cancels
/// its handlers, discards their outcomes and registers anew.
public final class Worker: Service {
    /// What happens to a worker and its jobs, beyond the executor's own events.
    public enum Event: Sendable, Hashable {
        /// An outcome was discarded: the claim had been taken away, another run will settle.
        case lost(JobID)
        /// The job was cancelled while it ran: its handler's task is cancelled, and nothing of what
        /// it still does is recorded.
        case revoked(JobID)
        /// The worker was reaped and registers anew.
        case reaped(WorkerID)
        /// Handlers have blocked every thread that tasks run on for a whole lease: nothing of this
        /// process goes on, and the worker beats no more. Told on a thread of its own; the best
        /// that can be done is to end the process and let a supervisor start it anew.
        case stuck(WorkerID)
    }

    let store: any JobStore
    let announcer: any Announcer
    let settings: WorkerSettings
    let meters: Meters
    let logger: Logger
    let doorbell: Doorbell
    let bell = DoorbellWatch()
    let landed = Mutex(ClaimLoop.Landed())
    let promoter: Promoter
    let settler: Settler
    /// The slots; listen to it for `idle`, `success` and `fail`.
    public let executor: JobExecutor
    private let handlers: Mutex<HandlerTable>
    let events: @Sendable (Event) -> Void
    let held: HeldClaims
    private let failures: FailureLog
    let lookahead: Lookahead
    private let bodies: LargeBodies
    /// The id it is registered under.
    private let registered = Mutex<WorkerID?>(nil)
    let pulse = Pulse()
    private let leaving = Atomic<Bool>(false)
    private let hurry = Signal()
    /// Raised when it is told to leave, before it has found the time to.
    let leaves = Signal()

    /// Makes a worker; it does nothing until ``run()``. Without an announcer it polls the table.
    public convenience init(
        store: any JobStore, announcer: any Announcer = NoAnnouncer(), handlers: HandlerTable,
        settings: WorkerSettings, logger: Logger,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.init(
            store: store, announcer: announcer, handlers: handlers, settings: settings,
            logger: logger, meters: Meters(enqueues: false), onEvent: onEvent)
    }

    package init(
        store: any JobStore, announcer: any Announcer, handlers: HandlerTable,
        settings: WorkerSettings, logger: Logger, meters: Meters,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        let doorbell = Doorbell(announcer, meters: meters)
        let held = HeldClaims(overdue: meters.overdue)
        let promoter = Promoter(store: store, doorbell: doorbell, meters: meters, logger: logger)
        let failures = FailureLog(logger)
        self.failures = failures
        self.store = store
        self.announcer = announcer
        self.settings = settings
        self.handlers = Mutex(handlers)
        self.logger = logger
        self.meters = meters
        self.doorbell = doorbell
        self.promoter = promoter
        self.held = held
        events = onEvent
        executor = JobExecutor(slots: settings.concurrency)
        bodies = LargeBodies(reader: store, memory: ByteBudget(settings.memory))
        lookahead = Lookahead(slots: settings.concurrency)
        settler = Settler(
            store: store, meters: meters, logger: logger,
            onPutOff: { promoter.armOwn(after: $0) },
            onSettled: { settled in
                held.settled(settled.map(\.claim))
                doorbell.ring(settled.filter { $0.status == .queued }.map(\.announcement))
                failures.tell(settled)
            },
            onLost: { settlement in
                held.remove([settlement.claim])
                failures.forget(settlement.claim)
                guard !settlement.isOfNoRun else { return }
                logger.warning(
                    "an outcome was discarded: its claim is gone",
                    metadata: ["job.id": "\(settlement.job)"])
                onEvent(.lost(settlement.job))
            })
    }

    /// Works until the service is shut down. Cancelling the task leaves no grace: running handlers
    /// are cancelled and their jobs handed back.
    ///
    /// - Throws: ``StoreError`` when PostgreSQL refuses the worker at its start for good: wrong
    ///   schema version, wrong credentials. An outage is waited out, and once it has worked so is a
    ///   refusal: credentials are changed in one place before the other. An answer that cannot be
    ///   read, ``StoreError/unreadable(_:)``, shuts it down, with its grace, and is thrown then.
    public func run() async throws {
        executor.start()
        let failure = try await withThrowingTaskGroup(of: Void.self) { group -> StoreError? in
            let maintenance = Maintenance(
                store: store, doorbell: doorbell, promoter: promoter, meters: meters,
                logger: logger, retention: settings.retention,
                holder: { self.registered.withLock { $0 } })
            group.addTask { await maintenance.run() }
            group.addTask { await self.bell.run(self.doorbellAnswers) }
            group.addTask { await self.beat() }
            defer { group.cancelAll() }
            let last = try await withGracefulShutdownHandler {
                try await cancelWhenGracefulShutdown { try await self.serve() }
            } onGracefulShutdown: {
                self.leaves.raise()
            }
            leaves.raise()
            if Task.isCancelled { hurry.raise() }
            // In a task of its own, because what is left to write must be written all the same.
            await Task { await self.leave(last) }.value
            return last?.failure
        }
        // What looked after the doorbell may have taken an id while it ended.
        await doorbell.quiet()
        if let failure { throw failure }
    }

    /// Shuts down without further grace: running handlers are cancelled and their jobs handed
    /// back. Has an effect once a graceful shutdown has begun; that is what a second SIGTERM is.
    public func handBackNow() {
        hurry.raise()
    }

    /// Runs jobs that start from now on with other handlers; those that run keep theirs.
    public func replaceHandlers(_ handlers: HandlerTable) {
        self.handlers.withLock { $0 = handlers }
    }

    /// Registers, works until that registration ends, and again; returns the last one.
    private func serve() async throws -> Registration? {
        var hasWorked = false
        while !Task.isCancelled {
            let session = WorkerSession(newRecord())
            guard try await register(session, again: hasWorked) else { return nil }
            hasWorked = true
            registered.withLock { $0 = session.id }
            let presence = Task { await session.presence.keep(of: session.id, at: announcer) }
            let heartbeat = store.startHeartbeat(
                of: session.record, watching: watch(in: session)
            ) { news in self.heard(news, in: session) }
            logger.info(
                "worker registered",
                metadata: ["worker": "\(session.id)", "slots": "\(settings.concurrency)"])
            let failure = await dispatch(in: session)
            guard session.isReaped else {
                return Registration(
                    session: session, heartbeat: heartbeat, presence: presence, failure: failure)
            }
            cancelHandlers()
            presence.cancel()
            await heartbeat.stop()
        }
        return nil
    }

    private struct Registration: Sendable {
        let session: WorkerSession
        let heartbeat: any Heartbeat
        let presence: Task<Void, Never>
        /// Why it ended, unless by a shutdown.
        let failure: StoreError?
    }

    private func newRecord() -> WorkerRecord {
        WorkerRecord(
            host: settings.host, processID: settings.processID, queues: queueNames,
            concurrency: settings.concurrency, version: settings.version,
            heartbeat: settings.heartbeat, lease: settings.lease, kinds: kinds,
            mayOverlap: settings.onLeaseUnknown == .continue)
    }

    /// Whether it has a handler for jobs of this kind.
    func knows(_ kind: Name) -> Bool { handlers.withLock { $0.handler(for: kind) != nil } }

    /// The kinds it has handlers for now.
    var kinds: [String] { handlers.withLock { $0.kinds } }

    /// Waits out an outage, and a refusal if it is to register `again`; `false` when the worker is
    /// shut down meanwhile.
    private func register(
        _ session: WorkerSession, again: Bool
    ) async throws(StoreError) -> Bool {
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(2))
        while !Task.isCancelled {
            do throws(StoreError) {
                try await store.register(session.record)
                return true
            } catch {
                guard again || error.isTransient else { throw error }
                if backoff.attempts == 0 {
                    store.tell(logger, "waiting for postgres to register", error)
                }
                await backoff.pause()
            }
        }
        return false
    }

    /// On the heartbeat's thread.
    private func heard(_ news: HeartbeatState, in session: WorkerSession) {
        session.note(news)
        switch news {
        case .renewed:
            break
        case .reaped:
            logger.warning(
                "this worker was reaped: its handlers are cancelled and their outcomes discarded",
                metadata: ["worker": "\(session.id)"])
            events(.reaped(session.id))
            cancelHandlers()
        case .unknown:
            logger.warning(
                "no heartbeat was answered for a whole lease",
                metadata: [
                    "worker": "\(session.id)",
                    "on_lease_unknown": "\(settings.onLeaseUnknown.rawValue)",
                ])
            if settings.onLeaseUnknown == .cancel { cancelHandlers() }
        case .stuck:
            // First: a log that nobody reads holds this thread up, too.
            events(.stuck(session.id))
            let why = "no task has run for a whole lease: handlers block their threads"
            logger.critical("\(why)", metadata: ["worker": "\(session.id)"])
        }
    }

    private func cancelHandlers() {
        held.noteAllTold()
        executor.cancelAll()
    }

    /// Runs claimed jobs in free slots; the claim was asked for at `asked`.
    func start(
        _ jobs: [ClaimedJob], askedAt asked: ContinuousClock.Instant, in session: WorkerSession
    ) {
        var memo = JobMetersMemo()
        for job in jobs {
            start(job, askedAt: asked, memo.meters(of: job, in: meters), in: session)
        }
        if executor.waits > 0 { giveBackLate() }
    }

    private func start(
        _ job: ClaimedJob, askedAt asked: ContinuousClock.Instant, _ meters: JobMeters,
        in session: WorkerSession
    ) {
        FailPoint.afterClaim.reach()
        let run = executor.nextRun()
        held.start(job, as: run)
        executor.enter(job.id, as: run) {
            FailPoint.afterStart.reach()
            let handlers = self.handlers.withLock { $0 }
            let attempt = Attempt(
                job: job, handlers: handlers, logger: self.logger, overdue: self.meters.overdue,
                leaves: self.leaves, bodies: self.bodies)
            let started = meters.started(job, askedAt: asked)
            defer { self.meters.overdue.remove(job.claim) }
            var verdict = Verdict.handedBack
            // It may have waited for its slot, and its claim ended meanwhile.
            if self.held.isRunning(job.claim), !session.isReaped {
                // Claimed while the worker was told to leave, or come to its slot when the claim may
                // have ended: it is for others to begin.
                let onUnknown = self.settings.onLeaseUnknown
                verdict =
                    self.leaves.isRaised || !session.mayBegin(what: asked, at: .now, onUnknown)
                    ? .unstarted
                    : await attempt.run {
                        self.leaving.load(ordering: .relaxed) || session.isUnknown
                    }
            }
            guard self.held.finish(job.claim, counting: meters) else {
                meters.ended(.revoked, startedAt: started)
                throw Outcome.cancel("handed back or revoked")
            }
            guard !session.isReaped else {
                self.held.remove([job.claim])
                meters.ended(.lost, startedAt: started)
                self.meters.lost.add()
                self.events(.lost(job.id))
                throw Outcome.cancel("the claim is gone")
            }
            let time = meters.ended(verdict.end, startedAt: started)
            if verdict != .handedBack, verdict != .unstarted { self.lookahead.noteRun(took: time) }
            self.failures.note(job, verdict)
            self.settler.settle(Settlement(job: job.id, claim: job.claim, verdict: verdict))
            if verdict == .success { return }
            if verdict == .handedBack { self.meters.handedBack.add() }
            throw Outcome.cancel("not a success")
        }
        // What was said to all that ran holds for one that was claimed meanwhile.
        if session.isReaped || session.isUnknown && settings.onLeaseUnknown == .cancel {
            executor.cancel(run)
        }
    }

    /// Ends the last registration: grace, hand-back, last outcomes, last heartbeat.
    private func leave(_ last: Registration?) async {
        leaving.store(true, ordering: .relaxed)
        let end = ContinuousClock.now + settings.grace
        _ = giveBackWaiting(since: .now)
        logger.info("worker is leaving", metadata: ["executing": "\(executor.load)"])
        let isIdle = await happens(within: settings.grace, unless: hurry) {
            await self.executor.waitUntilIdle()
        }
        if !isIdle {
            cancelHandlers()
            _ = await happens(within: .seconds(1), unless: nil) {
                await self.executor.waitUntilIdle()
            }
        }
        for job in held.finishAll().map(\.job) {
            meters.handedBack.add()
            failures.note(job, .handedBack)
            settler.settle(Settlement(job: job.id, claim: job.claim, verdict: .handedBack))
        }
        if !(await settler.finish(by: hurry.isRaised ? .now : end)) {
            logger.warning("postgres does not answer: the last claims are left to the lease")
        }
        await doorbell.quiet()
        guard let last else { return }
        await last.heartbeat.stop()
        do {
            try await store.deregister(last.session.id)
        } catch {
            logger.warning("could not deregister", metadata: ["error": "\(error)"])
        }
        last.presence.cancel()
        await last.presence.value
        logger.info("worker has left", metadata: ["handed back": "\(meters.handedBack.value)"])
    }
}
