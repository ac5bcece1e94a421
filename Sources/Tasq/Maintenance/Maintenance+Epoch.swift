import Logging
import Synchronization

/// Watching whether the doorbell forgot, and ringing it anew.
extension Maintenance {
    /// Between two attempts at a refill: the longest while the doorbell refuses it, and while
    /// PostgreSQL is away.
    static let longestRefillPause = Duration.seconds(60)
    static let longestStorePause = Duration.seconds(5)

    /// Advances the mark once a second while the term is held. Apart from the look at the workers,
    /// which a doorbell that hangs must not delay.
    func watchEpoch() async {
        guard announcer.rings else { return }
        var watch = EpochWatch()
        while !Task.isCancelled {
            let next = ContinuousClock.now + Self.tick
            if let known = epoch.withLock({ $0 }) {
                await checkEpoch(known, &watch)
            } else {
                watch.noteAbsence()
            }
            isAlone.store(watch.isAlone, ordering: .relaxed)
            await sleep(for: next - .now)
        }
    }

    /// When a mark that is replaced shows that the doorbell forgot, or has been out of order, what
    /// it stands for is announced again.
    private func checkEpoch(_ known: Epoch, _ watch: inout EpochWatch) async {
        var next = known
        next.counter &+= 1
        let queues = served.withLock { $0 }
        do {
            let marks = try await announcer.exchangeEpoch(next.mark, beside: queues)
            epoch.withLock { if $0 == known { $0 = next } }
            let lost = watch.look(at: marks, since: known)
            if let sharer = watch.sharer { warn(of: sharer, known.database) }
            if watch.isAlone { hasWarned.store(false, ordering: .relaxed) }
            guard let lost else { return }
            (watch.endedOutage ? meters.recovered : meters.forgotten).add()
            logger.info(
                "announces queued jobs again",
                metadata: ["reason": watch.endedOutage ? "redis was out" : "redis forgot"])
            refill(
                Refill(
                    what: lost, keepsLists: watch.keepsLists, isOfLoss: watch.hasForgotten))
        } catch {
            watch.noteOutage()
        }
    }

    /// Once, until the doorbell is ours alone again: nothing but a person can mend it.
    private func warn(of sharer: String, _ database: StoreIdentity) {
        guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
        let other = sharer == database.name ? "another database of that name" : sharer
        logger.warning(
            """
            the Redis prefix \(announcer.prefix) is used by \(database.name) and by \(other): jobs \
            of both wait for sweeps; give each database a prefix of its own (redis_prefix, \
            TASQ_REDIS_PREFIX)
            """)
    }

    private func refill(_ lost: Refill) {
        forgotten.withLock { $0 = lost.joined(with: $0) }
        refillAlarm.set(after: .zero)
    }

    /// One that is interrupted goes on where it stopped, after a pause, or once the doorbell was out of
    /// order and is back: a full Redis takes and refuses by turns, and emptying its lists each time
    /// would leave the workers nothing. What of its queues could not be announced meanwhile comes after
    /// that.
    func reconcile() async {
        let reconciler = Reconciler(
            store: store, announcer: announcer, meters: meters, logger: logger)
        var interrupted: Refill?
        var isTold = false
        var outage = Backoff(from: Self.tick, to: Self.longestRefillPause)
        while !Task.isCancelled {
            await refillAlarm.wait()
            let next = forgotten.withLock { Refill.next(after: interrupted, of: &$0) }
            guard !Task.isCancelled, let next else { continue }
            do throws(Reconciler.Interruption) {
                isRefilling.store(true, ordering: .relaxed)
                defer { isRefilling.store(false, ordering: .relaxed) }
                try await reconciler.reannounce(next)
                interrupted = nil
                isTold = false
                outage.reset()
                if forgotten.withLock({ $0 != nil }) { refillAlarm.set(after: .zero) }
            } catch {
                interrupted = error.rest
                if error.count > 0 { outage.reset() }
                if !isTold {
                    logger.warning(
                        "could not announce all jobs", metadata: ["error": "\(error.cause)"])
                }
                isTold = true
                let pause = outage.next()
                let isStore = error.cause is StoreError
                refillAlarm.set(after: isStore ? min(pause, Self.longestStorePause) : pause)
            }
        }
    }
}
