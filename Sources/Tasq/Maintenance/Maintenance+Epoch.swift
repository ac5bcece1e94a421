import Logging
import Synchronization

/// Watching whether the doorbell forgot, and ringing it anew.
extension Maintenance {
    /// What has to be announced again.
    struct Refill: Sendable {
        var what: EpochWatch.Forgotten
        /// The lists may be another database's.
        var keepsLists: Bool

        /// What both say. Lists that one of them keeps are kept.
        func joined(with other: Refill?) -> Refill {
            Refill(
                what: what.joined(with: other?.what),
                keepsLists: keepsLists || other?.keepsLists ?? false)
        }
    }

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
            refill(Refill(what: lost, keepsLists: watch.keepsLists))
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
        refill.continuation.yield()
    }

    func reconcile() async {
        let reconciler = Reconciler(
            store: store, announcer: announcer, meters: meters, logger: logger)
        for await _ in refill.stream {
            let lost = forgotten.withLock { forgotten in
                defer { forgotten = nil }
                return forgotten
            }
            guard let lost else { continue }
            isRefilling.store(true, ordering: .relaxed)
            defer { isRefilling.store(false, ordering: .relaxed) }
            do throws(Reconciler.Interruption) {
                try await reconciler.reannounce(lost.what, keepsLists: lost.keepsLists)
            } catch {
                logger.warning(
                    "could not announce all jobs", metadata: ["error": "\(error.cause)"])
                guard await sleep(for: Self.tick) else { return }
                refill(Refill(what: error.rest, keepsLists: lost.keepsLists))
            }
        }
    }
}
