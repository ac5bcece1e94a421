/// What an operator does.
public protocol OperateStore: StoreHealth {
    /// Retries, cancels or deletes these jobs, in one transaction, each as far as its status allows;
    /// answers in the order of `ids`, each id once. ``Queue/apply(_:to:)`` also announces.
    ///
    /// A unique key that a retry takes again is waited for no longer than `patience`, as in
    /// ``IntakeStore/enqueue(_:patience:)``.
    func apply(
        _ action: JobAction, to ids: [JobID], patience: Duration?
    ) async throws(StoreError) -> [JobActionAnswer]

    /// Pauses a queue or resumes it. ``Queue/resume(_:)`` also announces.
    func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError)
}

extension OperateStore {
    /// Retries, cancels or deletes jobs, and waits for locks as long as the store does.
    public func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer] {
        try await apply(action, to: ids, patience: nil)
    }
}
