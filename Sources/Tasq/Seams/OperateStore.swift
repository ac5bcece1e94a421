/// What an operator does.
public protocol OperateStore: StoreHealth {
    /// Retries, cancels or deletes these jobs, in one transaction, each as far as its status allows;
    /// answers in the order of `ids`, each id once. ``Queue/apply(_:to:)`` also announces.
    func apply(
        _ action: JobAction, to ids: [JobID]
    ) async throws(StoreError) -> [JobActionAnswer]

    /// Pauses a queue or resumes it. ``Queue/resume(_:)`` also announces.
    func setPaused(_ isPaused: Bool, _ queue: Name) async throws(StoreError)
}
