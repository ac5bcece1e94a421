import Logging

/// Prunes finished jobs that have been kept long enough, round by round over the whole table.
///
/// The holder of the maintenance term does it, by its own configuration. Several at once do no harm: a
/// row that one has locked the others leave alone, and a job is deleted, and counted, by whoever is first.
///
/// It has a fifth of the time while it finds something to delete and a twentieth while it does not, and
/// rests for some minutes between two rounds: nobody waits for it, and everybody for PostgreSQL.
struct Pruner: Sendable {
    /// Between two rounds.
    static let roundPause = Duration.seconds(300)
    /// How much longer than a statement the rest behind it is, while there is something to delete and
    /// while there is not.
    static let busyRest = 4
    static let idleRest = 19
    /// However short or long a statement took.
    static let shortestRest = Duration.milliseconds(20)
    static let longestRest = Duration.seconds(60)

    let store: any RetentionStore
    let retention: Retention
    let meters: Meters
    let logger: Logger
    /// Whether it is this process that prunes.
    let isWanted: @Sendable () -> Bool

    /// Prunes until cancelled.
    func run() async {
        guard retention.prunes else { return }
        var walk = PruneWalk(retention)
        var outage = Backoff(from: .seconds(1), to: .seconds(60))
        var pause = Maintenance.tick
        while await sleep(for: pause) {
            guard isWanted() else {
                pause = Maintenance.tick
                continue
            }
            do throws(StoreError) {
                pause = try await next(&walk)
                outage.reset()
            } catch {
                if outage.attempts == 0 {
                    store.tell(logger, "cannot prune finished jobs", error)
                }
                pause = outage.next()
            }
        }
    }

    /// One statement; returns the pause behind it.
    private func next(_ walk: inout PruneWalk) async throws(StoreError) -> Duration {
        let start = ContinuousClock.now
        let step = try await walk.step(in: store)
        let time = ContinuousClock.now - start
        switch step {
        case .looked(let found):
            return rest(after: time, times: found > 0 ? Self.busyRest : Self.idleRest)
        case .pruned(let jobs):
            meters.pruned(jobs)
            return rest(after: time, times: Self.busyRest)
        case .end:
            tell(of: walk)
            walk = PruneWalk(retention)
            return Self.roundPause
        }
    }

    private func rest(after time: Duration, times factor: Int) -> Duration {
        min(max(time * factor, Self.shortestRest), Self.longestRest)
    }

    private func tell(of walk: PruneWalk) {
        guard walk.total > 0 else { return }
        var metadata: Logger.Metadata = [:]
        for status in JobStatus.finished {
            metadata[status.rawValue] = "\(walk.count(of: status))"
        }
        logger.info("pruned finished jobs", metadata: metadata)
    }
}

extension Meters {
    /// Counts jobs that were pruned.
    func pruned(_ jobs: [ExpiredJob]) {
        for job in jobs { prunings[job.status]?.add() }
    }
}
