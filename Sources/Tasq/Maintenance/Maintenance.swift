import Logging
import Synchronization

/// What one process at a time does for all: reaps dead workers, promotes what is due, fires the
/// ticks of schedules, watches whether the doorbell forgot, takes off its lists what nobody else
/// does, announces what SQL has enqueued, makes due what a clock that went back has put off, prunes
/// what has been kept long enough, and notes what has been done for charts.
///
/// The right to do so is a term in a row, which its holder renews. Whoever sees it stand still for
/// longer than a holder takes, by its own clock, takes it over. Two holders at once do no harm:
/// everything here is idempotent or fenced.
final class Maintenance: Sendable {
    /// How often the holder looks, while there is something to do and while there is not.
    static let tick = Duration.seconds(1)
    static let idleTick = Duration.seconds(4)
    /// The longest time between two of the others' questions for the term.
    static let askPause = Duration.seconds(2)
    /// How often a worker that registers looks whether it has.
    static let registrationPause = Duration.milliseconds(100)
    /// How long a term lasts beyond the next look.
    static let termMargin = Duration.seconds(4)
    /// How long a term must stand still to be taken over: the longest that a holder asks for.
    static let longestTerm = idleTick + termMargin
    /// Looks of the others further apart than this do not count together.
    static let longestGap = askPause * 3
    /// Claims taken back in one statement.
    static let reapLimit = 500
    /// How much later than it could be found dead a worker is looked at: it may be on its way back.
    static let verdictSlack = Duration.milliseconds(300)
    /// How often what has been done so far is noted, for charts.
    static let tallyPause = Duration.seconds(15)
    /// A claim without a worker is looked for at least this often, in ticks.
    static let ticksPerReap = 3

    private let holder: @Sendable () -> WorkerID?
    let store: any JobStore
    let announcer: any Announcer
    let doorbell: Doorbell
    private let promoter: Promoter
    private let retention: Retention
    /// Set to the next tick of a schedule.
    private let tickAlarm = Alarm()
    let meters: Meters
    let logger: Logger
    private let failures: FailureLog
    let holdsTerm = Atomic<Bool>(false)
    /// Jobs ran at the last look.
    let isBusy = Atomic<Bool>(false)
    /// Queued jobs are being announced again.
    let isRefilling = Atomic<Bool>(false)
    /// The doorbell's mark as it was last written, while the term is held.
    let epoch = Mutex<Epoch?>(nil)
    /// The queues that some worker serves.
    let served = Mutex<[Name]>([])
    /// What has to be announced again.
    let forgotten = Mutex<Refill?>(nil)
    /// Whether it was told that another database rings the same bell.
    let hasWarned = Atomic<Bool>(false)
    /// No other database has rung the same bell for a while.
    let isAlone = Atomic<Bool>(false)
    /// Set to when something of it is to be announced.
    let refillAlarm = Alarm()
    private let elected = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// `holder` is who asks for the term: a registered worker, whose end is then seen by its
    /// session lock, or anybody else. While it is nil nobody asks.
    init(
        store: any JobStore, doorbell: Doorbell, promoter: Promoter, meters: Meters,
        logger: Logger, retention: Retention = .forever,
        holder: @escaping @Sendable () -> WorkerID?
    ) {
        self.holder = holder
        self.store = store
        self.doorbell = doorbell
        announcer = doorbell.announcer
        self.promoter = promoter
        self.retention = retention
        self.meters = meters
        self.logger = logger
        failures = FailureLog(logger)
    }

    /// Does its part until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.lead() }
            group.addTask { await self.watchEpoch() }
            group.addTask {
                await self.promoter.run { self.holdsTerm.load(ordering: .relaxed) }
            }
            group.addTask { await self.reconcile() }
            group.addTask { await self.weed() }
            group.addTask { await self.relayCommits() }
            group.addTask { await self.keepTallies() }
            group.addTask { await self.fireTicks() }
            group.addTask { await self.hasten() }
            group.addTask { await self.prune() }
        }
    }

    private func lead() async {
        var watch = Watch()
        var outage = Backoff(from: .milliseconds(200), to: .seconds(1))
        while !Task.isCancelled {
            guard let id = holder() else {
                await sleep(for: Self.registrationPause)
                continue
            }
            let start = ContinuousClock.now
            do {
                let pause = try await tick(&watch, as: id)
                outage.reset()
                await sleep(for: start + pause - .now)
            } catch {
                giveUpTerm()
                watch.observation.reset()
                watch.others.reset()
                if outage.attempts == 0 {
                    store.tell(logger, "maintenance failed", error)
                }
                await outage.pause()
            }
        }
        giveUpTerm()
    }

    private func giveUpTerm() {
        holdsTerm.store(false, ordering: .relaxed)
        epoch.withLock { $0 = nil }
    }

    /// What is remembered from one tick to the next.
    private struct Watch {
        var observation = Observation(longestGap: .seconds(3))
        var others = OthersTerm()
        var ticks = 0
        var pause = Maintenance.tick
    }

    /// One look; returns the pause until the next.
    private func tick(
        _ watch: inout Watch, as id: WorkerID
    ) async throws(StoreError) -> Duration {
        let counter = epoch.withLock { $0?.counter } ?? 0
        let leadership = try await store.lead(
            as: id, for: watch.pause + Self.termMargin, counter: counter,
            takingOver: watch.others.abandoned)
        let held = leadership.isHeld
        let isNew = held && !holdsTerm.exchange(held, ordering: .relaxed)
        guard held else {
            giveUpTerm()
            watch.pause = Self.tick
            let gone = await gone(among: leadership.workers, besides: id)
            // What is seen of the holder counts from here on, should it be dead.
            _ = watch.observation.look(at: leadership.workers, gone: gone, now: .now)
            return watch.others.look(at: leadership.standing, isGone: !gone.isEmpty, now: .now)
        }
        watch.others.reset()
        if isNew {
            let database = try await store.identity()
            let known = Epoch(
                database: database, counter: leadership.counter,
                number: UInt32.random(in: UInt32.min...UInt32.max))
            epoch.withLock { $0 = known }
            logger.debug("holds the maintenance term", metadata: ["term": "\(leadership.term)"])
            elected.continuation.yield()
        }
        watch.ticks += 1
        isBusy.store(leadership.isBusy, ordering: .relaxed)
        served.withLock { $0 = Set(leadership.workers.flatMap(\.queues)).sorted() }
        let gone = await gone(among: leadership.workers, besides: id)
        let dead = watch.observation.look(at: leadership.workers, gone: gone, now: .now)
        for worker in dead where try await store.bury(worker.id, at: worker.sequence) {
            meters.buried.add()
            logger.warning("a worker is dead", metadata: ["worker": "\(worker.id)"])
        }
        if !dead.isEmpty || leadership.isBusy && watch.ticks % Self.ticksPerReap == 1 {
            try await reap()
        }
        if let nextDue = leadership.nextDue { promoter.arm(after: nextDue) }
        Scheduler.set(tickAlarm, after: leadership.nextTick)
        let isIdle =
            !leadership.isBusy && leadership.nextDue == nil && !watch.observation.hasStillWorker
        watch.pause = isIdle ? Self.idleTick : Self.tick
        guard let verdict = watch.observation.nextVerdict else { return watch.pause }
        return min(watch.pause, verdict + Self.verdictSlack)
    }

    /// Those of the others that had a connection to the doorbell's server and have none now.
    private func gone(
        among workers: [WorkerSight], besides id: WorkerID
    ) async -> Set<WorkerID> {
        let shown = workers.filter { $0.presence != nil && $0.id != id }
        guard !shown.isEmpty, let seen = await announcer.presence(of: shown.map(\.id)) else {
            return []
        }
        return seen.missing(among: shown)
    }

    /// Takes back every claim whose worker is gone.
    private func reap() async throws(StoreError) {
        var end: JobID?
        repeat {
            let page = try await store.reap(upTo: Self.reapLimit, behind: end)
            end = page.end
            let reaped = page.claims
            guard !reaped.isEmpty else { continue }
            meters.reaped.add(reaped.count)
            logger.warning("took claims back", metadata: ["jobs": "\(reaped.count)"])
            failures.tell(reaped)
            doorbell.ring(reaped.filter { $0.status == .queued }.map(\.announcement))
        } while end != nil
    }

    /// Notes what has been done so far, while the term is held; nothing hangs on it.
    private func keepTallies() async {
        var hasFailed = false
        var pause = Self.tick
        while await sleep(for: pause) {
            pause = Self.tick
            guard holdsTerm.load(ordering: .relaxed) else { continue }
            pause = Self.tallyPause
            do throws(StoreError) {
                try await store.tally()
                hasFailed = false
            } catch {
                if !hasFailed {
                    store.tell(logger, "charts have a gap", error)
                }
                hasFailed = true
            }
        }
    }

    private func fireTicks() async {
        let scheduler = Scheduler(
            store: store, doorbell: doorbell, meters: meters, logger: logger, alarm: tickAlarm
        ) { [self] in holdsTerm.load(ordering: .relaxed) }
        await scheduler.run()
    }

    private func prune() async {
        let pruner = Pruner(
            store: store, retention: retention, meters: meters, logger: logger
        ) { [self] in holdsTerm.load(ordering: .relaxed) }
        await pruner.run()
    }

    private func weed() async {
        guard announcer.rings else { return }
        let weeder = Weeder(
            store: store, doorbell: doorbell, meters: meters, logger: logger
        ) { [self] in
            guard holdsTerm.load(ordering: .relaxed), !isRefilling.load(ordering: .relaxed),
                forgotten.withLock({ $0 == nil }),
                // Another database's ids would look like those of jobs that are over.
                isAlone.load(ordering: .relaxed)
            else { return nil }
            return Weeder.Outlook(
                queues: served.withLock { $0 }, isBusy: isBusy.load(ordering: .relaxed))
        }
        await weeder.run()
    }

    /// Announces what `tasq.enqueue` commits, as it is committed, while the term is held.
    private func relayCommits() async {
        guard announcer.rings else { return }
        for await _ in elected.stream {
            while holdsTerm.load(ordering: .relaxed) {
                for await announcement in store.commitNotices() {
                    doorbell.ring([announcement])
                    guard holdsTerm.load(ordering: .relaxed) else { break }
                }
                guard await sleep(for: Self.termMargin) else { return }
            }
        }
    }
}
