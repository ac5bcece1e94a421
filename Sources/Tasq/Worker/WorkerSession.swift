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

    /// Whether the handler may begin of a job that came at `time`.
    ///
    /// One that has waited for as long as the lease may be another worker's by now: no time goes by so
    /// but in a process that stood still, and what it hears of its lease comes after what it goes on with.
    func mayBegin(
        what time: ContinuousClock.Instant, at now: ContinuousClock.Instant,
        _ onUnknown: LeaseUnknown
    ) -> Bool {
        now - time < record.lease
            && state.withLock { $0 != .reaped && ($0 != .unknown || onUnknown == .continue) }
    }

    /// Takes what the heartbeat learned; once reaped, always reaped.
    func note(_ news: HeartbeatState) {
        state.withLock { state in
            if state != .reaped { state = news }
        }
    }
}
