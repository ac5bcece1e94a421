import Synchronization
import Tasq

/// The handlers' configuration that counts when jobs are enqueued; a reload may replace it.
final class HandlerEntries: Sendable {
    private let entries: Mutex<[HandlerEntry]>

    init(_ entries: [HandlerEntry]) {
        self.entries = Mutex(entries)
    }

    func replace(with entries: [HandlerEntry]) {
        self.entries.withLock { $0 = entries }
    }

    /// What a job of a kind gets where its enqueue does not say.
    func defaults(for kind: Name, payload: [UInt8]) -> JobOptions {
        entries.withLock { $0 }.defaults(for: kind, payload: payload)
    }
}
