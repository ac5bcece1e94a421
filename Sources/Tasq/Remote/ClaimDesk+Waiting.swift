import Logging
import Synchronization

/// How waiting requests get announced jobs: one take for all of them, since the doorbell has one
/// place to wait at.
extension ClaimDesk {
    /// The longest one take lasts, so that queues of requests that came meanwhile join the next.
    private static let takeWait = Duration.milliseconds(500)
    /// Queues of one take; of more, others are drawn each time.
    private static let queueLimit = 64
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
        var loop = ClaimLoop(ClaimPlan(takesLasting: Self.takeWait))
        var queues: [Name] = []
        var action = loop.next(after: .done, at: .now)
        while true {
            let event: ClaimLoop.Event
            if case .wait = action {
                guard !Task.isCancelled else { break }
                let wanted = await wanted(atOnce: loop.hasMissed)
                queues = wanted.queues
                event = .round(ClaimLoop.Round(free: wanted.room))
            } else {
                event = await perform(action, from: queues)
            }
            action = loop.next(after: event, at: .now)
        }
        doorbell.ring(await stillQueued(loop.leftovers).map(\.announcement))
    }

    /// Does it and returns what has happened. The loop sweeps nothing and knows of no suspects: the
    /// requests see to both.
    private func perform(
        _ action: ClaimLoop.Action, from queues: [Name]
    ) async -> ClaimLoop.Event {
        switch action {
        case .take(let limit, let wait):
            let ids = try? await doorbell.announcer.take(upTo: limit, from: queues, wait: wait)
            state.withLock { $0.doorbellIsOut = ids == nil }
            meters.taken.add(ids?.count ?? 0)
            return .taken(ids, kinds: [])
        case .claim(let ids, _):
            return .claimed(await handOut(ids))
        case .lookAgain(let ids, _):
            return .stillQueued(await stillQueued(ids), foreign: [])
        case .ring(let jobs):
            doorbell.ring(jobs)
        case .pause(let time, _):
            await sleep(for: time)
        case .wait, .declare, .audit, .askTurn, .runSuspects, .sweep, .giveUp:
            break
        }
        return .done
    }

    /// The queues and the room of those who wait; waits for one, unless it is to tell `atOnce`.
    private func wanted(atOnce: Bool) async -> (queues: [Name], room: Int) {
        while true {
            let (queues, room, arrival) = state.withLock { state in
                if state.waiters.isEmpty { state.arrival = Signal() }
                let queues = Set(state.waiters.flatMap(\.queues))
                let room = state.waiters.reduce(0) { $0 + $1.limit }
                return (Array(queues.shuffled().prefix(Self.queueLimit)), room, state.arrival)
            }
            if room > 0 || atOnce || Task.isCancelled { return (queues, room) }
            await arrival.wait()
        }
    }

    /// Claims ids for the requests in the order they came; returns the jobs they got.
    func handOut(_ ids: [JobID]) async -> [ClaimedJob] {
        var left = ids
        var handedOut: [ClaimedJob] = []
        var unlucky: [Waiter] = []
        while !left.isEmpty {
            guard
                let waiter = state.withLock({ $0.waiters.isEmpty ? nil : $0.waiters.removeFirst() })
            else { break }
            let offered = Array(left.prefix(waiter.limit))
            do throws(StoreError) {
                let asked = ContinuousClock.now
                let jobs = try await store.claim(offered, for: waiter.row, from: waiter.queues)
                meters.claimTimes.observe(.now - asked)
                let claimed = Set(jobs.map(\.id))
                left.removeAll { claimed.contains($0) }
                handedOut += jobs
                guard jobs.isEmpty else {
                    waiter.answer.resume(returning: jobs)
                    continue
                }
                unlucky.append(waiter)
            } catch {
                // It looks at the table itself and meets the same trouble there, under another row
                // where the claim may still be written.
                note(offered, under: waiter.row)
                leave(waiter.row, after: error)
                waiter.answer.resume(returning: [])
                break
            }
        }
        for waiter in unlucky.reversed() { stepBack(waiter) }
        meters.claimMisses.add(left.count)
        return handedOut
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

    /// Which of these, that were taken and not claimed, are to be announced again. What cannot be
    /// asked about is swept.
    private func stillQueued(_ ids: [JobID]) async -> [QueuedJob] {
        guard !ids.isEmpty else { return [] }
        do {
            let jobs = try await store.stillQueued(ids)
            meters.duplicates.add(ids.count - jobs.count)
            // A suspect is handed out alone, to the next request for its queue. With none waiting,
            // others are to hear of it: some never sweep.
            return state.withLock { state in
                let served = Set(state.waiters.flatMap(\.queues))
                let kept = jobs.filter { $0.isSuspect && served.contains($0.announcement.queue) }
                state.suspects.know(of: kept.map(\.announcement.queue))
                return jobs.filter { !kept.contains($0) }
            }
        } catch {
            logger.info("ids not given back are left to a sweep", metadata: ["error": "\(error)"])
            return []
        }
    }

    /// These were claimed under a row, or may have been: it is not renewed while one of them is.
    func note(_ jobs: [JobID], under row: WorkerID) {
        state.withLock { $0.rows.note(jobs, under: row) }
    }

    /// Removes rows of workers that hold nothing and do not come back, so that nobody is told of
    /// their death.
    func retireRows() async {
        var silence = Standstill<WorkerID, Int64>(longestGap: Self.retireEvery * 2)
        while await sleep(for: Self.retireEvery) {
            do {
                let standing = try await retireRows(silentAt: [:])
                let silent = silence.look(at: sights(of: standing), now: .now)
                if !silent.isEmpty { _ = try await retireRows(silentAt: silent) }
            } catch {
                silence.reset()
                logger.debug("rows are left to the reaper", metadata: ["error": "\(error)"])
            }
        }
    }

    /// With how long each may stand still.
    private func sights(
        of standing: [WorkerSight]
    ) -> [WorkerID: Standstill<WorkerID, Int64>.Sight] {
        state.withLock { state in
            var sights: [WorkerID: Standstill<WorkerID, Int64>.Sight] = [:]
            for sight in standing {
                sights[sight.id] = .init(
                    state: sight.sequence, patience: state.rows.patience(for: sight.lease))
            }
            return sights
        }
    }

    /// Removes those that were seen silent, forgets all that are gone, and returns the others.
    private func retireRows(
        silentAt sequences: [WorkerID: Int64]
    ) async throws(StoreError) -> [WorkerSight] {
        let (rows, jobs) = state.withLock { state in
            (state.rows.all, sequences.keys.flatMap { state.rows.jobs(under: $0) ?? [] })
        }
        let standing = try await store.retire(rows, silentAt: sequences, unlessRunning: jobs)
        state.withLock { $0.rows.forget(Set(rows).subtracting(standing.map(\.id))) }
        return standing
    }
}
