/// Where jobs come in.
public protocol IntakeStore: StoreHealth {
    /// Stores jobs in one transaction; answers in the same order, after the commit.
    ///
    /// A unique key, or the row of the job that holds it, is waited for no longer than `patience`,
    /// and in any case no longer than the store waits for a lock at all; then the error is
    /// ``StoreError/contended(_:)``.
    func enqueue(
        _ jobs: [NewJob], patience: Duration?
    ) async throws(StoreError) -> [Enqueued]

    /// Stores webhook events and their jobs in one transaction; answers in the same order. A provider's
    /// event id is waited for like a unique key.
    func accept(
        _ events: [NewEvent], patience: Duration?
    ) async throws(StoreError) -> [Accepted]

    /// Stores further jobs of a stored event in one transaction; their own payloads are ignored.
    /// `nil` when the event is gone; empty when `unlessUnfinished` and another job of it has not ended.
    func replay(
        _ event: PayloadID, as jobs: [NewJob], unlessUnfinished: Bool
    ) async throws(StoreError) -> [Enqueued]?

    /// Of jobs those that an enqueue would find: they stand already, or an unfinished job holds their
    /// unique key and would be kept, replaced or rescheduled. Writes nothing.
    func duplicates(among jobs: [NewJob]) async throws(StoreError) -> Set<JobID>

    /// Whether an event stands already, by its provider's id. Writes nothing.
    func knows(_ event: NewEvent) async throws(StoreError) -> Bool
}

extension IntakeStore {
    /// Stores jobs, and waits for locks as long as the store does.
    public func enqueue(_ jobs: [NewJob]) async throws(StoreError) -> [Enqueued] {
        try await enqueue(jobs, patience: nil)
    }

    /// Stores events and their jobs, and waits for locks as long as the store does.
    public func accept(_ events: [NewEvent]) async throws(StoreError) -> [Accepted] {
        try await accept(events, patience: nil)
    }
}
