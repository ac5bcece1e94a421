import Synchronization

/// One registration of a worker: an id, and whether it still stands.
///
/// A worker that was reaped goes on under a new session; what it still runs of the old one is
/// discarded.
final class WorkerSession: Sendable {
    let record: WorkerRecord
    let presence = ShownPresence()
    private let state = Mutex(HeartbeatState.renewed)

    init(_ record: WorkerRecord) {
        self.record = record
    }

    var id: WorkerID { record.id }
    var isReaped: Bool { state.withLock { $0 == .reaped } }
    var isUnknown: Bool { state.withLock { $0 == .unknown } }

    /// Whether a job whose claim was asked for at `asked`, and whose slot is free at `now`, may begin.
    ///
    /// After as long as the lease it may be another worker's. Only a process that stood still takes so
    /// long, or an answer that was held up on its way, and what it brings would begin before the worker
    /// hears of its lease.
    func mayBegin(
        what asked: ContinuousClock.Instant, at now: ContinuousClock.Instant,
        _ onUnknown: LeaseUnknown
    ) -> Bool {
        now - asked < record.lease
            && (onUnknown == .continue || !isUnknown)
    }

    /// Takes what the heartbeat learned; once reaped, always reaped.
    func note(_ news: HeartbeatState) {
        state.withLock { state in
            if state != .reaped { state = news }
        }
    }
}
