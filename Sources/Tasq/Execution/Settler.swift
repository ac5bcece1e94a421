import Logging
import Synchronization

/// Writes outcomes, batched: while one write is in flight the next batch collects.
///
/// It never gives an outcome up while PostgreSQL cannot be reached: the claim stands as long as
/// the heartbeat does, and if it was taken away meanwhile the fence says so. A batch that is
/// refused for its data is split, so one bad row holds back no other; nor does one that somebody has
/// locked.
final class Settler: Sendable {
    static let batchLimit = 500
    /// Between the starts of two writes, unless a whole batch waits: a statement and its commit
    /// cost as much as twenty outcomes, and nobody waits for an outcome as for a job. One that
    /// comes after a quiet moment is written at once.
    static let pace = Duration.milliseconds(5)
    /// How long an outcome whose row somebody has locked waits for its next try.
    static let heldUpPause = Duration.milliseconds(50)

    private struct State {
        var pending: [Settlement] = []
        var isWriting = false
        /// Outcomes that wait for somebody's lock to go.
        var heldUp = 0
        /// The last write failed.
        var isFailing = false
        var lastStart: ContinuousClock.Instant?
        /// Raised when there is nothing left to write; somebody waits for it.
        var whenDone: Signal?
    }

    private let store: any ClaimStore
    private let meters: Meters
    private let logger: Logger
    private let onPutOff: @Sendable ([Duration]) -> Void
    private let onSettled: @Sendable ([Settled]) -> Void
    private let onLost: @Sendable (Settlement) -> Void
    private let gaveUp = Signal()
    private let state = Mutex(State())

    /// `onPutOff` is told after which times jobs are due that were scheduled.
    init(
        store: any ClaimStore, meters: Meters, logger: Logger,
        onPutOff: @escaping @Sendable ([Duration]) -> Void = { _ in },
        onSettled: @escaping @Sendable ([Settled]) -> Void,
        onLost: @escaping @Sendable (Settlement) -> Void
    ) {
        self.store = store
        self.meters = meters
        self.logger = logger
        self.onPutOff = onPutOff
        self.onSettled = onSettled
        self.onLost = onLost
    }

    /// Settles soon; returns at once.
    func settle(_ settlement: Settlement) {
        enter { $0.pending.append(settlement) }
    }

    private func enter(_ change: (inout State) -> Void) {
        let starts = state.withLock { state in
            change(&state)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if starts {
            Task { await self.drain() }
        }
    }

    /// Waits until every outcome so far has been written, discarded or given up, or the task is
    /// cancelled.
    func settled() async {
        let done = state.withLock { state -> Signal? in
            guard state.isWriting || state.heldUp > 0 else { return nil }
            let done = state.whenDone ?? Signal()
            state.whenDone = done
            return done
        }
        await done?.wait()
    }

    /// Waits until all is written, five seconds at most; while writes fail until `end`, and a second at
    /// least, for whoever asked this process to end kills it some time. Says whether all was
    /// written: what was not is given up, and its claims are left to the lease.
    func finish(by end: ContinuousClock.Instant) async -> Bool {
        func isWritten(within limit: Duration) async -> Bool {
            await happens(within: limit, unless: nil) {
                await self.settled()
                return !Task.isCancelled
            }
        }
        if await isWritten(within: .seconds(1)) { return true }
        let isFailing = state.withLock { $0.isFailing }
        let rest = Duration.seconds(4)
        if await isWritten(within: isFailing ? min(rest, max(end - .now, .zero)) : rest) {
            return true
        }
        gaveUp.raise()
        await settled()
        return false
    }

    private func drain() async {
        while true {
            await keepPace()
            let (batch, done) = state.withLock { state -> ([Settlement], Signal?) in
                let batch = Array(state.pending.prefix(Self.batchLimit))
                state.pending.removeFirst(batch.count)
                guard batch.isEmpty else {
                    state.lastStart = .now
                    return (batch, nil)
                }
                state.isWriting = false
                guard state.heldUp == 0 else { return ([], nil) }
                defer { state.whenDone = nil }
                return ([], state.whenDone)
            }
            done?.raise()
            guard !batch.isEmpty else { return }
            guard !gaveUp.isRaised else {
                for settlement in batch { onLost(settlement) }
                continue
            }
            await write(batch[...])
        }
    }

    private func keepPace() async {
        let next = state.withLock { state -> ContinuousClock.Instant? in
            guard !state.pending.isEmpty, state.pending.count < Self.batchLimit else { return nil }
            return state.lastStart.map { $0 + Self.pace }
        }
        if let next, next > .now { await sleep(for: next - .now) }
    }

    private func write(_ batch: ArraySlice<Settlement>) async {
        var backoff = Backoff(from: .milliseconds(50), to: .seconds(2))
        while true {
            let start = ContinuousClock.now
            do {
                let answer = try await store.settle(Array(batch))
                state.withLock { $0.isFailing = false }
                meters.settleTimes.observe(.now - start)
                meters.settleBatches.observe(batch.count)
                finish(batch, answer)
                return
            } catch .rejected where batch.count > 1 {
                meters.settleFailed(.refused, after: .now - start)
                let middle = batch.startIndex + batch.count / 2
                await write(batch[..<middle])
                await write(batch[middle...])
                return
            } catch .rejected(let state, let reason) {
                meters.settleFailed(.refused, after: .now - start)
                logger.error(
                    "an outcome could not be written; its claim stays until this worker ends",
                    metadata: ["error": "\(reason)", "sqlstate": "\(state)"])
                break
            } catch {
                // Whatever it is, it may pass: a restart, a rotated password, a grant being changed.
                meters.settleFailed(Facade.Failure(error), after: .now - start)
                if backoff.attempts == 0 {
                    store.tell(logger, "outcomes wait for postgres", error)
                }
                state.withLock { $0.isFailing = true }
                _ = await happens(within: backoff.next(), unless: gaveUp) {
                    await sleep(for: .seconds(60))
                }
                if gaveUp.isRaised { break }
            }
        }
        for settlement in batch { onLost(settlement) }
    }

    private func finish(_ batch: ArraySlice<Settlement>, _ answer: SettleAnswer) {
        meters.settled.add(answer.settled.count)
        onSettled(answer.settled)
        let putOff = Set(answer.settled.filter { $0.status == .scheduled }.map(\.claim))
        if !putOff.isEmpty {
            onPutOff(batch.filter { putOff.contains($0.claim) }.compactMap(\.verdict.delay))
        }
        guard answer.settled.count < batch.count else { return meters.ended(batch) }
        let settled = Set(answer.settled.map(\.claim))
        meters.ended(batch.filter { settled.contains($0.claim) })
        var heldUp: [Settlement] = []
        for settlement in batch where !settled.contains(settlement.claim) {
            if answer.heldUp.contains(settlement.claim) {
                heldUp.append(settlement)
            } else {
                if !settlement.isOfNoRun { meters.lost.add() }
                onLost(settlement)
            }
        }
        if !heldUp.isEmpty { settleLater(heldUp) }
    }

    /// Tries these again in a moment, and lets the others go on meanwhile.
    private func settleLater(_ settlements: [Settlement]) {
        state.withLock { $0.heldUp += settlements.count }
        Task {
            await sleep(for: Self.heldUpPause)
            self.enter { state in
                state.heldUp -= settlements.count
                state.pending += settlements
            }
        }
    }
}
