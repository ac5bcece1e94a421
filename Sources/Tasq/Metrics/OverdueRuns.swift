import Synchronization

/// The runs whose handlers were told to stop and have not returned.
///
/// Each holds its slot until it does. A run that was never told costs one relaxed load.
package final class OverdueRuns: Sendable {
    private let claims = Mutex<Set<ClaimToken>>([])
    private let size = Atomic<Int>(0)

    package init() {}

    package var count: Int { size.load(ordering: .relaxed) }

    /// These have been told. To be called before their ends can be noted.
    func add(_ told: some Sequence<ClaimToken>) {
        claims.withLock { claims in
            claims.formUnion(told)
            size.store(claims.count, ordering: .relaxed)
        }
    }

    /// The handler has returned.
    func remove(_ ended: ClaimToken) {
        guard count > 0 else { return }
        claims.withLock { claims in
            claims.remove(ended)
            size.store(claims.count, ordering: .relaxed)
        }
    }
}
