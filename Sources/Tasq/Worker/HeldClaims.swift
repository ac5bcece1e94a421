import Synchronization

/// The claims a worker knows of: from the moment it got one until its end is written.
final class HeldClaims: Sendable {
    private let tokens = Mutex<Set<ClaimToken>>([])

    func add(_ token: ClaimToken) {
        tokens.withLock { _ = $0.insert(token) }
    }

    func remove(_ ended: [ClaimToken]) {
        tokens.withLock { $0.subtract(ended) }
    }

    func contains(_ token: ClaimToken) -> Bool {
        tokens.withLock { $0.contains(token) }
    }
}
