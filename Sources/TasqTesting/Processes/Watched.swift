import Synchronization

/// A value under a lock that tasks can wait on until it is as they want it.
final class Watched<Value: Sendable>: Sendable {
    /// Resumes a waiting task.
    private typealias Resumption = @Sendable () -> Void

    private struct Guarded {
        var value: Value
        var nextWaiter = 0
        /// Each looks at the value and says how its task goes on, if it is content; shown no value,
        /// because it was cancelled, it is.
        var waiters: [Int: @Sendable (Value?) -> Resumption?] = [:]
        /// Waiters cancelled before they were put down.
        var cancelled: Set<Int> = []
    }

    private let guarded: Mutex<Guarded>

    init(_ value: Value) {
        guarded = Mutex(Guarded(value: value))
    }

    /// The value now.
    var value: Value {
        guarded.withLock { $0.value }
    }

    /// Changes the value and wakes whoever waited for this.
    func update(_ change: (inout Value) -> Void) {
        // Resumed outside the lock: a cancelled task is locked by the runtime while its handler
        // waits for this one.
        let resumptions = guarded.withLock { guarded in
            change(&guarded.value)
            var resumptions: [Resumption] = []
            for (id, waiter) in guarded.waiters {
                guard let resumption = waiter(guarded.value) else { continue }
                guarded.waiters[id] = nil
                resumptions.append(resumption)
            }
            return resumptions
        }
        for resume in resumptions { resume() }
    }

    /// What `read` makes of the value as soon as it makes anything of it; nil when the time is over.
    func first<Result: Sendable>(
        within limit: Duration, _ read: @escaping @Sendable (Value) -> Result?
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await self.first(read) }
            group.addTask {
                do { try await Task.sleep(for: limit) } catch {}
                return nil
            }
            let winner = await group.next() ?? nil
            group.cancelAll()
            return winner
        }
    }

    /// What `read` makes of the value as soon as it makes anything of it; nil when cancelled.
    func first<Result: Sendable>(
        _ read: @escaping @Sendable (Value) -> Result?
    ) async -> Result? {
        let id = guarded.withLock { guarded in
            guarded.nextWaiter += 1
            return guarded.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter: @Sendable (Value?) -> Resumption? = { value in
                    guard let value else { return { continuation.resume(returning: nil) } }
                    guard let result = read(value) else { return nil }
                    return { continuation.resume(returning: result) }
                }
                let resumption = guarded.withLock { guarded -> Resumption? in
                    let isCancelled = guarded.cancelled.remove(id) != nil
                    if let resumption = waiter(guarded.value) { return resumption }
                    if isCancelled { return waiter(nil) }
                    guarded.waiters[id] = waiter
                    return nil
                }
                resumption?()
            }
        } onCancel: {
            let resumption = guarded.withLock { guarded -> Resumption? in
                guard let waiter = guarded.waiters.removeValue(forKey: id) else {
                    guarded.cancelled.insert(id)
                    return nil
                }
                return waiter(nil)
            }
            resumption?()
        }
    }
}
