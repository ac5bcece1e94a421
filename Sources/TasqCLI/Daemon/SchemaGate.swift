import Logging
import ServiceLifecycle
import Tasq
import TasqPostgres

/// Waits until PostgreSQL answers and its schema is one that this program works on.
///
/// An outage is waited out with jitter. A wrong schema and refused credentials are not: waiting
/// would hide what only a person can mend.
struct SchemaGate: Sendable {
    let store: PostgresStore
    let logger: Logger

    /// The shortest and the longest pause between two tries.
    static let pauses = (shortest: 0.2, longest: 2.0)

    /// Looks once. Throws ``StoreError`` when the schema is wrong or access is refused; an outage
    /// is left to ``pass()``.
    func look() async throws(StoreError) {
        do throws(StoreError) {
            try await store.requireCurrentSchema()
        } catch {
            guard error.isTransient else { throw error }
        }
    }

    /// Returns when the schema is right. Throws ``StoreError`` when it is wrong or access is
    /// refused, `CancellationError` when cancelled.
    func pass() async throws {
        var longest = Self.pauses.shortest
        var isFirst = true
        while true {
            try Task.checkCancellation()
            do throws(StoreError) {
                try await store.requireCurrentSchema()
                if !isFirst { logger.info("postgres answers") }
                return
            } catch {
                guard error.isTransient else { throw error }
                // Cut off by us: PostgreSQL is not to blame.
                try Task.checkCancellation()
                if isFirst {
                    logger.warning("waiting for postgres", metadata: ["error": "\(error)"])
                }
                isFirst = false
            }
            try await Task.sleep(for: .seconds(Double.random(in: Self.pauses.shortest...longest)))
            longest = min(longest * 2, Self.pauses.longest)
        }
    }
}

/// Lets services start only behind the gate, which asks once for all of them: a login that is
/// refused and tried twice locks an account sooner, where somebody counts.
struct Gated<Inner: Service>: Service {
    let gate: SchemaGate
    let inner: Inner
    /// Runs for as long as `inner` does.
    var beside: [any Service] = []

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await gate.pass() }
        } catch is CancellationError {
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in beside { group.addTask { try await service.run() } }
            try await inner.run()
            group.cancelAll()
        }
    }
}
