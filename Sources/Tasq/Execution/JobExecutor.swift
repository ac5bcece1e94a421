import DequeModule
import Synchronization

/// Runs up to N jobs at once and tells when there is nothing left to do.
///
/// It knows nothing of stores: whoever owns it posts jobs, and on ``Event/idle`` looks for old
/// ones. What is posted while all slots are taken waits in order. Usable on its own:
///
///     let executor = JobExecutor(slots: 4)
///     executor.on(.idle) { _ in print("nothing to do") }
///     executor.start()
///     executor.post { try await sendReceipt() }
///     await executor.stop()
public final class JobExecutor: Sendable {
    /// Something that happened.
    public enum Event: Sendable, Hashable {
        /// The last job ended, or the executor started, and nothing waits.
        case idle
        /// The job's body returned.
        case success(JobID)
        /// The job's body threw.
        case fail(JobID)
    }

    /// One posted body, so that it alone can be cancelled.
    package struct Run: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private struct Posting {
        let id: JobID
        let run: Run
        /// When it was posted.
        let time: ContinuousClock.Instant
        /// Whoever posted it can have it run elsewhere.
        let mayBeWithdrawn: Bool
        var isCancelled = false
        let body: @concurrent @Sendable () async throws -> Void
    }

    private struct Slot {
        var run: Run?
        var task: Task<Void, Never>?
    }

    private struct State {
        var isStarted = false
        var isStopped = false
        var waiting: Deque<Posting> = []
        /// As many as were ever taken at once.
        var slots: [Slot] = []
        var vacantPlaces: [Int] = []
        var occupied = 0
        /// Kept free for jobs that are on their way.
        var reserved = 0
        /// Jobs that may wait for a slot: those whose turn comes soon.
        var ahead = 0
        var waiters = Waiters()

        /// Places neither taken nor spoken for: slots, and those of jobs that wait for one.
        func free(of slots: Int) -> Int { vacant(of: slots) + ahead }
        /// Slots neither taken nor spoken for.
        func vacant(of slots: Int) -> Int { slots - occupied - waiting.count - reserved }
        var isIdle: Bool { occupied == 0 && waiting.isEmpty && reserved == 0 }
    }

    /// How many jobs run at once.
    public let slots: Int
    let listeners = Listeners()
    private let state = Mutex(State())
    private let runs = Atomic<UInt64>(0)

    /// - Parameter slots: at least 1; less counts as 1.
    public init(slots: Int) {
        self.slots = max(1, slots)
    }

    /// Runs a job as soon as a slot is free; returns its id at once. After ``stop()`` nothing is
    /// run any more, and the job is dropped.
    @discardableResult
    public func post(
        _ id: JobID = JobID(), _ body: @escaping @concurrent @Sendable () async throws -> Void
    ) -> JobID {
        enter(id, as: nextRun(), mayBeWithdrawn: false, body)
        return id
    }

    /// A run for ``enter(_:as:_:)``, known before its body can be over.
    package func nextRun() -> Run {
        Run(number: runs.wrappingAdd(1, ordering: .relaxed).newValue)
    }

    /// Posts a body; ``cancel(_:)`` knows it by its run.
    package func enter(
        _ id: JobID, as run: Run, mayBeWithdrawn: Bool = true,
        _ body: @escaping @concurrent @Sendable () async throws -> Void
    ) {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.waiting.append(
                Posting(
                    id: id, run: run, time: .now, mayBeWithdrawn: mayBeWithdrawn, body: body))
            fillSlots(&state)
        }
    }

    /// So many jobs may wait for a slot beyond those that run; ``free`` counts their places too.
    package func lookAhead(_ count: Int) {
        state.withLock { $0.ahead = count }
    }

    /// Takes back what was entered and waits for a slot since before `time`; its bodies are never run.
    /// When there is any, nothing more is looked ahead for until ``lookAhead(_:)`` says so.
    package func withdraw(postedBefore time: ContinuousClock.Instant) -> Set<Run> {
        let (withdrawn, isIdle, ready) = state.withLock { state in
            var withdrawn: Set<Run> = []
            state.waiting.removeAll { posting in
                guard posting.mayBeWithdrawn, posting.time < time else { return false }
                withdrawn.insert(posting.run)
                return true
            }
            if !withdrawn.isEmpty { state.ahead = 0 }
            return (withdrawn, state.isIdle, state.waiters.takeAll())
        }
        if isIdle, !withdrawn.isEmpty { listeners.tell(.idle) }
        for waiter in ready { waiter.resume() }
        return withdrawn
    }

    /// Keeps so many slots for jobs that are on their way, until ``release(_:)``.
    package func reserve(_ count: Int) {
        state.withLock { $0.reserved += count }
    }

    /// Gives reserved slots back: their jobs have come, or will not.
    package func release(_ count: Int) {
        let (isIdle, ready) = state.withLock { state in
            state.reserved -= count
            return (state.isIdle, state.waiters.takeAll())
        }
        if isIdle { listeners.tell(.idle) }
        for waiter in ready { waiter.resume() }
    }

    /// Cancels the task of one run, or of one that waits as soon as it starts; it ends when its
    /// body does. Without effect on one that is over.
    package func cancel(_ run: Run) {
        let task = state.withLock { state in
            if let waiting = state.waiting.firstIndex(where: { $0.run == run }) {
                state.waiting[waiting].isCancelled = true
            }
            return state.slots.first { $0.run == run }?.task
        }
        task?.cancel()
    }

    /// Starts to run what has been and will be posted.
    public func start() {
        let isIdle = state.withLock { state in
            guard !state.isStarted, !state.isStopped else { return false }
            state.isStarted = true
            fillSlots(&state)
            return state.occupied == 0
        }
        if isIdle { listeners.tell(.idle) }
    }

    /// Starts nothing new, waits for what runs and ends every ``events`` sequence. What had not
    /// started is dropped.
    public func stop() async {
        state.withLock { state in
            state.isStopped = true
            state.waiting = []
        }
        await waitUntilIdle()
        listeners.finish()
    }

    /// Jobs that run or wait now.
    public var load: Int { state.withLock { $0.occupied + $0.waiting.count } }

    /// Whether a slot is neither taken nor spoken for.
    package var hasVacantSlot: Bool { state.withLock { $0.vacant(of: slots) > 0 } }

    /// Jobs that wait for a slot now.
    package var waits: Int { state.withLock { $0.waiting.count } }

    /// Places that are free now and kept for nothing; never negative.
    package var free: Int { state.withLock { max(0, $0.free(of: slots)) } }

    /// Cancels the tasks of all running jobs; each ends when its body does. Those that wait are
    /// cancelled as they start.
    package func cancelAll() {
        let tasks = state.withLock { state in
            for place in state.waiting.indices { state.waiting[place].isCancelled = true }
            return state.slots.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
    }

    /// Waits until a place is free; returns how many are, 0 when the task was cancelled.
    package func waitForFreePlace() async -> Int {
        await wait { state in
            let free = state.free(of: self.slots)
            return free > 0 ? free : nil
        } ?? 0
    }

    /// Waits until nothing runs, waits or is on its way; `false` when the task was cancelled
    /// before.
    @discardableResult
    package func waitUntilIdle() async -> Bool {
        await wait { $0.isIdle ? 0 : nil } != nil
    }

    /// Waits until no job is on its way.
    package func waitUntilAllHaveCome() async {
        _ = await wait { $0.reserved == 0 ? 0 : nil }
    }

    /// Called with the lock held. A body's task is made here and nowhere else: it outlives the
    /// poster and its handle is what cancels it.
    private func fillSlots(_ state: inout State) {
        guard state.isStarted else { return }
        while state.occupied < slots, let posting = state.waiting.popFirst() {
            state.occupied += 1
            let place = state.vacantPlaces.popLast() ?? state.slots.count
            if place == state.slots.count { state.slots.append(Slot()) }
            // Cancels itself: under the lock that would run the handlers of a body that has begun,
            // which may want the lock.
            let task = Task {
                if posting.isCancelled { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
                await self.execute(posting, in: place)
            }
            state.slots[place] = Slot(run: posting.run, task: task)
        }
    }

    private func execute(_ posting: Posting, in place: Int) async {
        let event: Event
        do {
            try await posting.body()
            event = .success(posting.id)
        } catch {
            event = .fail(posting.id)
        }
        listeners.tell(event)
        let (isIdle, ready) = state.withLock { state in
            state.slots[place] = Slot()
            state.vacantPlaces.append(place)
            state.occupied -= 1
            fillSlots(&state)
            return (state.isIdle, state.waiters.takeAll())
        }
        if isIdle { listeners.tell(.idle) }
        for waiter in ready { waiter.resume() }
    }

    /// Waits until `condition` gives a value; asks again whenever a job ends. `nil` when cancelled.
    private func wait(
        for condition: @Sendable (borrowing State) -> Int?
    ) async -> Int? {
        while true {
            let ticket = state.withLock { $0.waiters.ticket() }
            if Task.isCancelled { return state.withLock { condition($0) } }
            var value: Int?
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let (found, resumeNow) = state.withLock { state in
                        let found = condition(state)
                        let waits =
                            found == nil && state.waiters.add(continuation, under: ticket)
                        return (found, !waits)
                    }
                    value = found
                    if resumeNow { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiters.cancel(ticket) }?.resume()
            }
            state.withLock { $0.waiters.forget(ticket) }
            if value != nil { return value }
            if Task.isCancelled { return state.withLock { condition($0) } }
        }
    }
}

/// Continuations that wait for the next change; each is resumed exactly once.
private struct Waiters {
    private var nextTicket: UInt64 = 0
    private var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    private var cancelled: Set<UInt64> = []

    mutating func ticket() -> UInt64 {
        nextTicket += 1
        return nextTicket
    }

    /// Keeps the continuation; `false` when its wait was cancelled before it began.
    mutating func add(_ waiter: CheckedContinuation<Void, Never>, under ticket: UInt64) -> Bool {
        guard cancelled.remove(ticket) == nil else { return false }
        waiting[ticket] = waiter
        return true
    }

    /// The continuation to resume, if it waits already; otherwise its wait will not begin.
    mutating func cancel(_ ticket: UInt64) -> CheckedContinuation<Void, Never>? {
        if let waiter = waiting.removeValue(forKey: ticket) { return waiter }
        cancelled.insert(ticket)
        return nil
    }

    /// The wait under this ticket is over.
    mutating func forget(_ ticket: UInt64) {
        cancelled.remove(ticket)
    }

    mutating func takeAll() -> [CheckedContinuation<Void, Never>] {
        defer { waiting = [:] }
        return Array(waiting.values)
    }
}
