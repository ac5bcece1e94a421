/// Where jobs come in.
public protocol IntakeStore: StoreHealth {
    /// Stores jobs in one transaction; answers in the same order, after the commit.
    func enqueue(_ jobs: [NewJob]) async throws(StoreError) -> [Enqueued]

    /// Stores webhook events and their jobs in one transaction; answers in the same order.
    func accept(_ events: [NewEvent]) async throws(StoreError) -> [Accepted]

    /// Stores further jobs of a stored event in one transaction; their own payloads are ignored.
    /// `nil` when the event is gone; empty when `unlessUnfinished` and another job of it has not ended.
    func replay(
        _ event: PayloadID, as jobs: [NewJob], unlessUnfinished: Bool
    ) async throws(StoreError) -> [Enqueued]?
}
