public import ServiceLifecycle
import Synchronization

/// Tells `/readyz` that shutdown has begun, before anything else stops.
///
/// Put it last in the service group: groups shut down in reverse order, so readiness turns red
/// first, load balancers get `drain` to notice, and only then do the listeners close.
public final class Readiness: Service {
    private let drain: Duration
    private let stopping = Mutex(false)

    /// `drain`: how long requests are still taken after readiness has turned red.
    public init(drain: Duration = .zero) {
        self.drain = drain
    }

    var isStopping: Bool { stopping.withLock { $0 } }

    /// Waits for graceful shutdown, turns readiness red and waits for `drain`.
    public func run() async throws {
        try await gracefulShutdown()
        stopping.withLock { $0 = true }
        try await Task.sleep(for: drain)
    }
}

/// Whether something the server leans on answers.
public enum DependencyState: String, Sendable, Hashable {
    /// It answers.
    case up
    /// It does not.
    case down
    /// Not configured.
    case none
}
