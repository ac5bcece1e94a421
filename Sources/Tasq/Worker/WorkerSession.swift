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

    /// Takes what the heartbeat learned; once reaped, always reaped.
    func note(_ news: HeartbeatState) {
        state.withLock { state in
            if state != .reaped { state = news }
        }
    }
}
