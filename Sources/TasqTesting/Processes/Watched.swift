import Synchronization

/// A value under a lock that tasks can wait on until it is as they want it.
final class Watched<Value: Sendable>: Sendable {
    private struct Guarded {
        var value: Value
        var nextWaiter = 0
        /// Each looks at the value and says whether it is content (and has resumed its task).
        var waiters: [Int: @Sendable (Value) -> Bool] = [:]
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
        guarded.withLock { guarded in
            change(&guarded.value)
            for (id, isContent) in guarded.waiters where isContent(guarded.value) {
                guarded.waiters[id] = nil
            }
        }
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
        let cancel = Mutex<CheckedContinuation<Result?, Never>?>(nil)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guarded.withLock { guarded in
                    if let result = read(guarded.value) {
                        continuation.resume(returning: result)
                    } else if guarded.cancelled.remove(id) != nil {
                        continuation.resume(returning: nil)
                    } else {
                        cancel.withLock { $0 = continuation }
                        guarded.waiters[id] = { value in
                            guard let result = read(value) else { return false }
                            continuation.resume(returning: result)
                            return true
                        }
                    }
                }
            }
        } onCancel: {
            guarded.withLock { guarded in
                if guarded.waiters.removeValue(forKey: id) != nil {
                    cancel.withLock { $0?.resume(returning: nil) }
                } else {
                    guarded.cancelled.insert(id)
                }
            }
        }
    }
}
