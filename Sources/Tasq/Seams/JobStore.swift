import Logging

/// The truth: everything that writes jobs. PostgreSQL implements it.
///
/// Every write is idempotent by its ids or tokens, so a caller that got
/// ``StoreError/unknown(_:)`` repeats the same call. Batches are all or nothing.
public protocol JobStore: IntakeStore, ClaimStore, MemberStore, UpkeepStore, OperateStore,
    BulkStore, LimitStore, RetentionStore
{
    /// What this process has done with the store: connections, callers that wait, failures.
    var metrics: [Metric] { get }

    /// Closes every connection.
    func close() async
}

/// Whether a store can be reached, as every part of it knows.
public protocol StoreHealth: Sendable {
    /// Whether it has said in the log that PostgreSQL is out, and not yet that it answers again: what
    /// cannot be done meanwhile needs no line of its own.
    var isAway: Bool { get }
}

extension StoreHealth {
    /// Says what could not be done; while the store is away, only to those who debug.
    func tell(_ logger: Logger, _ message: Logger.Message, _ error: any Error) {
        logger.log(level: isAway ? .debug : .warning, message, metadata: ["error": "\(error)"])
    }
}
