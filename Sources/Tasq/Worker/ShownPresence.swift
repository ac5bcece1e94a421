import Synchronization

/// Lets others see at the doorbell that this process lives, where no session lock tells them.
///
/// Behind a pooler a worker can hold none, and its end would show by its lease alone. So it keeps a
/// connection to the doorbell's server, which sees the end of the process at once and tells whoever
/// asks; the heartbeat writes down on which server. Nothing is connected while a lock is held.
final class ShownPresence: Sendable {
    private let place = Mutex<String?>(nil)
    private let isWanted = Signal()

    /// What a heartbeat without a lock writes down; from the first one on it is wanted. Never blocks.
    var server: String? {
        isWanted.raise()
        return place.withLock { $0 }
    }

    /// Shows it, once it is wanted, until the task is cancelled.
    func keep(of worker: WorkerID, at announcer: any Announcer) async {
        await isWanted.wait()
        guard !Task.isCancelled else { return }
        await announcer.showPresence(of: worker) { [self] server in
            place.withLock { $0 = server }
        }
    }
}
