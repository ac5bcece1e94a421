import Logging
import Synchronization

/// How waiting requests get announced jobs: one take for all of them, since the doorbell has one
/// place to wait at.
extension ClaimDesk {
    /// The longest one take lasts, so that queues of requests that came meanwhile join the next.
    private static let takeWait = Duration.milliseconds(500)
    /// Ids of one take.
    private static let takeLimit = 500
    /// Queues of one take; of more, others are drawn each time.
    private static let queueLimit = 64
    /// How long an id that a claim did not get waits until it is looked at again.
    private static let missedDelay = Duration.milliseconds(100)
    /// Such ids that are remembered; more are left to a sweep.
    private static let missedLimit = 10_000
    /// How often rows of workers that do not come back are looked for.
    private static let retireEvery = Duration.seconds(5)

    /// Waits until announced jobs have been claimed for this request, the time is up or the client
    /// is gone; returns the jobs.
    func stand(
        for worker: RemoteWorker, _ row: WorkerID, upTo limit: Duration, _ gone: Signal
    ) async -> [ClaimedJob] {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskGroup(of: [ClaimedJob]?.self) { group in
            group.addTask {
                await withCheckedContinuation { answer in
                    self.line(
                        up: Waiter(
                            number: number, row: row, queues: worker.queues, limit: worker.limit,
                            answer: answer))
                }
            }
            group.addTask {
                _ = await happens(within: limit, unless: nil) {
                    await gone.wait()
                    return true
                }
                self.release(number)
                return nil
            }
            var jobs: [ClaimedJob] = []
            for await answer in group {
                guard let answer else { continue }
                jobs = answer
                group.cancelAll()
            }
            state.withLock { _ = $0.released.remove(number) }
            return jobs
        }
    }

    private func line(up waiter: Waiter) {
        let (stands, arrival) = state.withLock { state -> (Bool, Signal) in
            guard !state.isClosed, !state.released.contains(waiter.number) else {
                return (false, state.arrival)
            }
            state.waiters.append(waiter)
            return (true, state.arrival)
        }
        if stands {
            arrival.raise()
        } else {
            waiter.answer.resume(returning: [])
        }
    }

    /// Lets a waiter go without a job, unless it is just being given some.
    private func release(_ number: Int) {
        let waiter = state.withLock { state -> Waiter? in
            guard let place = state.waiters.firstIndex(where: { $0.number == number }) else {
                state.released.insert(number)
                return nil
            }
            return state.waiters.remove(at: place)
        }
        waiter?.answer.resume(returning: [])
    }

    /// Takes announced ids while somebody waits, and claims them for those who do.
    func listen() async {
        guard doorbell.announcer.rings else { return }
        var missed: Set<JobID> = []
        var outage = Backoff(from: .milliseconds(100), to: .seconds(2))
        while !Task.isCancelled {
            let (queues, room, arrival) = wanted()
            if room == 0, missed.isEmpty {
                await arrival.wait()
                continue
            }
            do throws(AnnouncerError) {
                let ids =
                    room == 0
                    ? []
                    : try await doorbell.announcer.take(
                        upTo: room, from: queues,
                        wait: missed.isEmpty ? Self.takeWait : Self.missedDelay)
                outage.reset()
                state.withLock { $0.doorbellIsOut = false }
                meters.taken.add(ids.count)
                let left = await handOut(ids)
                if ids.isEmpty { await giveBack(&missed) }
                missed.formUnion(left.prefix(max(0, Self.missedLimit - missed.count)))
                if room == 0 { await sleep(for: Self.missedDelay) }
            } catch {
                state.withLock { $0.doorbellIsOut = true }
                await outage.pause()
            }
        }
        await giveBack(&missed)
    }

    private func wanted() -> (queues: [Name], room: Int, arrival: Signal) {
        state.withLock { state in
            if state.waiters.isEmpty { state.arrival = Signal() }
            let queues = Set(state.waiters.flatMap(\.queues))
            let room = state.waiters.reduce(0) { $0 + $1.limit }
            return (
                Array(queues.shuffled().prefix(Self.queueLimit)), min(room, Self.takeLimit),
                state.arrival
            )
        }
    }

    /// Claims ids for the requests in the order they came; returns those that nobody got.
    private func handOut(_ ids: [JobID]) async -> [JobID] {
        var left = ids
        var unlucky: [Waiter] = []
        while !left.isEmpty {
            guard
                let waiter = state.withLock({ $0.waiters.isEmpty ? nil : $0.waiters.removeFirst() })
            else { break }
            do {
                let asked = ContinuousClock.now
                let jobs = try await store.claim(
                    Array(left.prefix(waiter.limit)), for: waiter.row, from: waiter.queues)
                meters.claimTimes.observe(.now - asked)
                let claimed = Set(jobs.map(\.id))
                left.removeAll { claimed.contains($0) }
                guard jobs.isEmpty else {
                    waiter.answer.resume(returning: jobs)
                    continue
                }
                unlucky.append(waiter)
            } catch {
                // It looks at the table itself and meets the same trouble there.
                waiter.answer.resume(returning: [])
                break
            }
        }
        for waiter in unlucky.reversed() { stepBack(waiter) }
        meters.claimMisses.add(left.count)
        return left
    }

    /// To the front of the line again, unless it was released meanwhile.
    private func stepBack(_ waiter: Waiter) {
        let stands = state.withLock { state in
            guard !state.isClosed, !state.released.contains(waiter.number) else { return false }
            state.waiters.insert(waiter, at: 0)
            return true
        }
        if !stands { waiter.answer.resume(returning: []) }
    }

    /// Announces again what was taken and not claimed. What cannot be asked about is swept.
    private func giveBack(_ ids: inout Set<JobID>) async {
        guard !ids.isEmpty else { return }
        do {
            let jobs = try await store.stillQueued(Array(ids))
            meters.duplicates.add(ids.count - jobs.count)
            // A suspect is handed out alone, to the next request for its queue. With none waiting,
            // others are to hear of it: some never sweep.
            let rung = state.withLock { state in
                let served = Set(state.waiters.flatMap(\.queues))
                let kept = jobs.filter { $0.isSuspect && served.contains($0.announcement.queue) }
                for job in kept where state.suspectsQueues.count < Self.suspectsLimit {
                    state.suspectsQueues.insert(job.announcement.queue)
                }
                return jobs.filter { !kept.contains($0) }
            }
            doorbell.ring(rung.map(\.announcement))
        } catch {
            logger.info("ids not given back are left to a sweep", metadata: ["error": "\(error)"])
        }
        ids = []
    }

    func note(_ row: WorkerID) {
        state.withLock { $0.rows.note(row) }
    }

    /// Removes rows of workers that hold nothing and do not come back, so that nobody is told of
    /// their death.
    func retireRows() async {
        var silence = Standstill<WorkerID, Int64>(longestGap: Self.retireEvery * 2)
        while await sleep(for: Self.retireEvery) {
            do {
                let standing = try await retireRows(silentAt: [:])
                let silent = silence.look(
                    at: Dictionary(
                        standing.map { ($0.id, .init(state: $0.sequence, patience: $0.lease)) },
                        uniquingKeysWith: { $1 }),
                    now: .now)
                if !silent.isEmpty { _ = try await retireRows(silentAt: silent) }
            } catch {
                silence.reset()
                logger.debug("rows are left to the reaper", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Removes those that were seen silent, forgets all that are gone, and returns the others.
    private func retireRows(
        silentAt sequences: [WorkerID: Int64]
    ) async throws(StoreError) -> [WorkerSight] {
        let rows = state.withLock { Array($0.rows.made) }
        let standing = try await store.retire(rows, silentAt: sequences)
        state.withLock { $0.rows.forget(Set(rows).subtracting(standing.map(\.id))) }
        return standing
    }
}
