import Logging
import Synchronization

/// Whether the queues that have a limit take further jobs, as far as one process knows.
///
/// It looks once a second, while jobs are put in, at the limits and at the levels of the limited queues
/// that this process puts jobs into; and counts what it puts in itself. So its own calls never take a
/// queue over its limit; what the others have put in since the look, two seconds at most and the time
/// of a look ago, comes on top. A call waits for a look only where none is that young: the first of a
/// process, and the first behind a pause; and before it is refused, where a queue that is drained fast
/// may have room again since. It waits for five seconds at most: then what is known counts. Where no
/// queue has a limit, a call costs nothing else.
///
/// Where the limits cannot be read, what was found before is believed for a while; then nothing is
/// refused: PostgreSQL says itself what it cannot store.
final class Admission: Sendable {
    /// The age of a look from which the next one is made beside what goes on.
    static let interval = Duration.seconds(1)
    /// The age of a look from which a call waits for the next one.
    static let patience = Duration.seconds(2)
    /// For how long it does at most: longer than the store takes to say that PostgreSQL is out, or the
    /// call would wait for that twice.
    static let wait = Duration.seconds(5)
    /// The age of a look from which nobody is refused without another one, or ten times as long as a
    /// look takes: a deep limit takes long to count.
    static let freshness = Duration.milliseconds(100)
    /// For how long what a look found is believed while the next ones fail: levels that nobody counts
    /// any more only rise.
    static let belief = Duration.seconds(10)
    /// When whoever may not read the limits looks again, so that the server is not asked in vain each
    /// second.
    static let rest = Duration.seconds(60)
    /// For how long after a call the levels of its queues are looked at.
    static let attention = Duration.seconds(10)
    /// Limits that are looked at.
    static let limitCount = 10_000
    /// Looks that one call waits for, at most.
    private static let rounds = 3
    /// What one is told who has waited for long enough.
    private static let late = StoreError.contended("a look at the limits takes long")

    fileprivate typealias Waiter = CheckedContinuation<StoreError?, Never>

    fileprivate enum Verdict {
        case admitted
        case full(QueueFull)
        /// The queues' levels have to be looked at first.
        case unknown
    }

    fileprivate struct State {
        var gauges: [Name: Gauge] = [:]
        /// When the latest look ended.
        var lookedAt: ContinuousClock.Instant?
        /// When the latest that found something began.
        var foundAt: ContinuousClock.Instant?
        /// How many have ended.
        var looks = 0
        /// When the one in progress began, and how long the latest took.
        var beganAt: ContinuousClock.Instant?
        var lookTime = Duration.zero
        var isLooking = false
        var waiting: [Waiter] = []
        /// Queues whose levels are wanted, and since when not any more by anybody.
        var asked: [Name: ContinuousClock.Instant] = [:]
    }

    private let store: any LimitStore
    private let meters: Meters
    private let logger: Logger
    private let state = Mutex(State())

    init(store: any LimitStore, meters: Meters, logger: Logger) {
        self.store = store
        self.meters = meters
        self.logger = logger
    }

    /// Lets jobs in, all or none; throws `StoreError.full(_:)` naming the first queue that is full.
    ///
    /// `answered` tells which of them would be stored nowhere, as duplicates; it is asked only before
    /// jobs are refused. What is returned goes to ``ended(_:storing:)``.
    func admit(
        _ jobs: [NewJob], isEvent: Bool = false,
        unless answered: () async throws(StoreError) -> Set<JobID>
    ) async throws(StoreError) -> [Demand] {
        if isOpen() { return [] }
        let demands = Demand.all(of: jobs, isEvent: isEvent)
        let known: Set<JobID>
        do throws(StoreError) {
            return try await admit(demands)
        } catch {
            guard case .full(let full) = error else { throw error }
            known = try await answered()
            guard !known.isEmpty else { throw refused(full, demands) }
        }
        let rest = Demand.all(of: jobs.filter { !known.contains($0.id) }, isEvent: isEvent)
        do throws(StoreError) {
            return try await admit(rest)
        } catch {
            guard case .full(let full) = error else { throw error }
            throw refused(full, rest)
        }
    }

    /// What was let in has been written, with these jobs stored by it.
    func ended(_ demands: [Demand], storing jobs: [NewJob]) {
        guard !demands.isEmpty else { return }
        let stored = Demand.all(of: jobs)
        state.withLock { state in
            for demand in demands { state.gauges[demand.queue]?.end(demand.due) }
            for demand in stored { state.gauges[demand.queue]?.store(demand.due) }
        }
    }

    /// Whether no queue has a limit, as far as is known and for long enough.
    private func isOpen() -> Bool {
        let (isOpen, starts) = state.withLock { state -> (Bool, Bool) in
            guard state.gauges.isEmpty, let age = state.age(at: .now), age < Self.patience
            else { return (false, false) }
            return (true, state.startsLook(at: age))
        }
        if starts {
            Task { await self.look() }
        }
        return isOpen
    }

    private func admit(_ demands: [Demand]) async throws(StoreError) -> [Demand] {
        var hasFailed = false
        for round in 0..<Self.rounds {
            let (verdict, starts) = state.withLock {
                $0.verdict(on: demands, at: .now, behindLook: round > 0)
            }
            if starts {
                Task { await self.look() }
            }
            switch verdict {
            case .admitted: return demands
            case .full(let full): throw .full(full)
            case .unknown:
                // What one look could not tell, the next one will not tell soon enough.
                if hasFailed { return [] }
                guard let error = await nextLook() else { continue }
                // Whoever cannot look at anything cannot write either, and is not to try twice.
                if isOfAll(error) { throw error }
                hasFailed = true
            }
        }
        return []
    }

    /// Whether every other statement would have failed like this. A connection that has just died is
    /// none that the next one is made on.
    private func isOfAll(_ error: StoreError) -> Bool {
        switch error {
        case .unavailable: store.isAway
        case .denied, .misconfigured: true
        case .contended, .unknown, .rejected, .unreadable, .full: false
        }
    }

    private func refused(_ full: QueueFull, _ demands: [Demand]) -> StoreError {
        meters.refused(demands.reduce(0) { $0 + $1.jobs }, by: full.queue)
        let isTold = state.withLock { $0.gauges[full.queue]?.refuse(at: .now) ?? false }
        if isTold {
            logger.warning(
                "a queue refuses jobs: it is over its limit",
                metadata: ["queue": "\(full.queue)", "reason": "\(full)"])
        }
        return .full(full)
    }

    /// Waits for the look in progress, or for one of its own, but not for long; returns why it failed.
    private func nextLook() async -> StoreError? {
        await withCheckedContinuation { continuation in
            let (waits, starts, number) = state.withLock { state -> (Bool, Bool, Int?) in
                guard !state.isLate(at: .now) else { return (false, false, nil) }
                state.waiting.append(continuation)
                let isFirst = state.waiting.count == 1
                defer { state.isLooking = true }
                return (true, !state.isLooking, isFirst ? state.looks : nil)
            }
            if !waits { continuation.resume(returning: Self.late) }
            if starts {
                Task { await self.look() }
            }
            if let number {
                Task {
                    await sleep(for: Self.wait)
                    self.giveUp(waitingFor: number)
                }
            }
        }
    }

    /// Lets those go who wait for a look, unless it has ended.
    private func giveUp(waitingFor number: Int) {
        let waiting = state.withLock { state -> [Waiter] in
            guard state.looks == number else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume(returning: Self.late) }
    }

    /// In a task of its own, so that a caller that is cancelled does not cancel the others' look.
    private func look() async {
        let (queues, marks) = state.withLock { $0.beginLook(at: .now) }
        var failure: StoreError?
        var found: [LimitStanding]?
        do throws(StoreError) {
            found = try await store.limits(
                after: nil, upTo: Self.limitCount, levelsOf: Array(queues))
        } catch {
            failure = error
            logger.debug("cannot look at the limits", metadata: ["error": "\(error)"])
        }
        let (standings, reason) = (found, failure)
        let (waiting, relenting) = state.withLock { state -> ([Waiter], [Name]) in
            var relenting: [Name] = []
            if let standings { relenting = state.take(standings, of: queues, since: marks) }
            return (state.endLook(at: .now, because: reason), relenting)
        }
        for queue in relenting {
            logger.info("a queue takes jobs again", metadata: ["queue": "\(queue)"])
        }
        for waiter in waiting { waiter.resume(returning: reason) }
    }
}

extension Admission.State {
    fileprivate func age(at now: ContinuousClock.Instant) -> Duration? {
        lookedAt.map { now - $0 }
    }

    /// Whether the look in progress takes longer than anybody waits.
    fileprivate func isLate(at now: ContinuousClock.Instant) -> Bool {
        guard isLooking, let beganAt else { return false }
        return now - beganAt >= Admission.wait
    }

    /// Whether the latest look is so old that another is to be made, which then is in progress.
    fileprivate mutating func startsLook(at age: Duration) -> Bool {
        guard age >= Admission.interval, !isLooking else { return false }
        isLooking = true
        return true
    }

    fileprivate mutating func verdict(
        on demands: [Demand], at now: ContinuousClock.Instant, behindLook: Bool
    ) -> (Admission.Verdict, startsLook: Bool) {
        for demand in demands where gauges[demand.queue] != nil || lookedAt == nil {
            asked[demand.queue] = now
        }
        // Whoever has just waited for a look takes what it found, however late he comes to run.
        guard let age = self.age(at: now), behindLook || age < Admission.patience,
            demands.allSatisfy({ gauges[$0.queue]?.isKnown ?? true })
        else { return (.unknown, false) }
        for demand in demands {
            guard let full = gauges[demand.queue]?.refusal(of: demand) else { continue }
            guard full.retryAfter == nil || behindLook || age < freshness
            else { return (.unknown, false) }
            return (.full(full), startsLook(at: age))
        }
        for demand in demands { gauges[demand.queue]?.begin(demand.due) }
        return (.admitted, startsLook(at: age))
    }

    private var freshness: Duration {
        min(Admission.interval, max(Admission.freshness, lookTime * 10))
    }

    /// The queues whose levels are to be looked at, and where each limited queue stands.
    fileprivate mutating func beginLook(
        at now: ContinuousClock.Instant
    ) -> (queues: Set<Name>, marks: [Name: Int]) {
        beganAt = now
        asked = asked.filter { now - $0.value < Admission.attention }
        return (Set(asked.keys), gauges.mapValues(\.mark))
    }

    /// Takes what was found; returns the queues of which is to be said that they take jobs again.
    fileprivate mutating func take(
        _ standings: [LimitStanding], of queues: Set<Name>, since marks: [Name: Int]
    ) -> [Name] {
        var relenting: [Name] = []
        var fresh: [Name: Gauge] = [:]
        for standing in standings {
            let queue = standing.limit.queue
            var gauge = gauges.removeValue(forKey: queue) ?? Gauge(standing)
            gauge.take(standing, isKnown: queues.contains(queue), since: marks[queue] ?? 0)
            if gauge.relent() { relenting.append(queue) }
            fresh[queue] = gauge
        }
        for (queue, gauge) in gauges {
            var gauge = gauge
            if gauge.relent(isGone: true) { relenting.append(queue) }
        }
        gauges = fresh
        foundAt = beganAt
        asked = asked.filter { fresh[$0.key] != nil }
        return relenting
    }

    /// Returns those who wait for the end of the look, which failed where there is a reason.
    fileprivate mutating func endLook(
        at now: ContinuousClock.Instant, because reason: StoreError?
    ) -> [Admission.Waiter] {
        lookedAt = now
        if let reason {
            let isOld = foundAt.map { now - $0 >= Admission.belief } ?? true
            if isOld || !reason.isTransient { gauges = [:] }
            if case .rejected = reason { lookedAt = now + Admission.rest }
        }
        lookTime = beganAt.map { now - $0 } ?? .zero
        beganAt = nil
        looks += 1
        isLooking = false
        defer { waiting = [] }
        return waiting
    }
}
