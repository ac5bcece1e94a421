import Logging
import Synchronization

/// What one process at a time does for all: reaps dead workers, promotes what is due, watches
/// whether the doorbell forgot, and announces what SQL has enqueued.
///
/// The right to do so is a term in a row. Two holders at once do no harm: everything here is
/// idempotent or fenced.
final class Maintenance: Sendable {
    /// How often the holder looks, while there is something to do and while there is not.
    static let tick = Duration.seconds(1)
    static let idleTick = Duration.seconds(4)
    /// How often the others ask for the term.
    static let askPause = Duration.seconds(2)
    /// How long a term lasts beyond the next look.
    static let termMargin = Duration.seconds(4)
    /// Claims taken back in one statement.
    static let reapLimit = 500
    /// A claim without a worker is looked for at least this often, in ticks.
    static let ticksPerReap = 3

    private let id = WorkerID()
    private let store: any JobStore
    private let announcer: any Announcer
    private let doorbell: Doorbell
    private let promoter: Promoter
    private let meters: Meters
    private let logger: Logger
    private let holdsTerm = Atomic<Bool>(false)
    /// The doorbell's mark as it was last written, while the term is held.
    private let epoch = Mutex<Epoch?>(nil)
    private let refill = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let elected = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(
        store: any JobStore, doorbell: Doorbell, promoter: Promoter, meters: Meters,
        logger: Logger
    ) {
        self.store = store
        self.doorbell = doorbell
        announcer = doorbell.announcer
        self.promoter = promoter
        self.meters = meters
        self.logger = logger
    }

    /// Does its part until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.lead() }
            group.addTask { await self.watchEpoch() }
            group.addTask { await self.promoter.run() }
            group.addTask { await self.reconcile() }
            group.addTask { await self.relayCommits() }
        }
    }

    private func lead() async {
        var watch = Watch()
        var outage = Backoff(from: .milliseconds(200), to: .seconds(1))
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do {
                let pause = try await tick(&watch)
                outage.reset()
                await sleep(for: start + pause - .now)
            } catch {
                giveUpTerm()
                watch.observation.reset()
                if outage.attempts == 0 {
                    logger.warning("maintenance failed", metadata: ["error": "\(error)"])
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

    /// What the holder remembers from one tick to the next.
    private struct Watch {
        var observation = Observation(longestGap: .seconds(3))
        var ticks = 0
        var pause = Maintenance.tick
    }

    /// One look; returns the pause until the next.
    private func tick(_ watch: inout Watch) async throws(StoreError) -> Duration {
        let counter = epoch.withLock { $0?.counter } ?? 0
        let leadership = try await store.lead(
            as: id, for: watch.pause + Self.termMargin, counter: counter)
        let held = leadership.isHeld
        let isNew = held && !holdsTerm.exchange(held, ordering: .relaxed)
        guard held else {
            giveUpTerm()
            watch.observation.reset()
            watch.pause = Self.tick
            return Self.askPause
        }
        if isNew {
            epoch.withLock {
                $0 = Epoch(name: leadership.epoch, counter: leadership.counter)
            }
            logger.debug("holds the maintenance term", metadata: ["term": "\(leadership.term)"])
            elected.continuation.yield()
        }
        watch.ticks += 1
        let dead = watch.observation.look(at: leadership.workers, now: .now)
        for worker in dead where try await store.bury(worker.id, at: worker.sequence) {
            meters.buried.add()
            logger.warning("a worker is dead", metadata: ["worker": "\(worker.id)"])
        }
        if !dead.isEmpty || leadership.isBusy && watch.ticks % Self.ticksPerReap == 1 {
            try await reap()
        }
        if let nextDue = leadership.nextDue { promoter.arm(after: nextDue) }
        let isIdle =
            !leadership.isBusy && leadership.nextDue == nil && !watch.observation.hasStillWorker
        watch.pause = isIdle ? Self.idleTick : Self.tick
        return watch.pause
    }

    /// Takes back every claim whose worker is gone.
    private func reap() async throws(StoreError) {
        while true {
            let reaped = try await store.reap(upTo: Self.reapLimit)
            guard !reaped.isEmpty else { return }
            meters.reaped.add(reaped.count)
            logger.warning("took claims back", metadata: ["jobs": "\(reaped.count)"])
            doorbell.ring(reaped.filter { $0.status == .queued }.map(\.announcement))
        }
    }

    /// Advances the mark once a second while the term is held. Apart from ``lead()``, because a
    /// doorbell that hangs must not delay a look at the workers.
    private func watchEpoch() async {
        guard announcer.rings else { return }
        var doorbellIsOut = false
        while !Task.isCancelled {
            let next = ContinuousClock.now + Self.tick
            if let known = epoch.withLock({ $0 }) {
                await checkEpoch(known, &doorbellIsOut)
            }
            await sleep(for: next - .now)
        }
    }

    /// When the mark that is replaced shows that the doorbell forgot, or has been out of order,
    /// everything is announced again.
    private func checkEpoch(_ known: Epoch, _ doorbellIsOut: inout Bool) async {
        var next = known
        next.counter &+= 1
        do {
            let mark = try await announcer.exchangeEpoch(next.mark)
            epoch.withLock { if $0 == known { $0 = next } }
            guard !known.isConfirmed(by: mark) || doorbellIsOut else { return }
            logger.info(
                "announces all queued jobs again",
                metadata: ["reason": doorbellIsOut ? "redis was out" : "redis forgot"])
            doorbellIsOut = false
            refill.continuation.yield()
        } catch {
            doorbellIsOut = true
        }
    }

    private func reconcile() async {
        let reconciler = Reconciler(
            store: store, announcer: announcer, meters: meters, logger: logger)
        for await _ in refill.stream {
            do {
                try await reconciler.reannounce()
            } catch {
                logger.warning("could not announce all jobs", metadata: ["error": "\(error)"])
                guard await sleep(for: Self.tick) else { return }
                refill.continuation.yield()
            }
        }
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
