import Synchronization

/// A count that only grows.
package final class Counter: Sendable {
    private let total = Atomic<Int>(0)
    private let tell: Facade.Tell?

    /// Whoever else is to be told of each addition.
    package init(_ tell: Facade.Tell? = nil) {
        self.tell = tell
    }

    package func add(_ amount: Int = 1) {
        total.wrappingAdd(amount, ordering: .relaxed)
        if let tell, amount > 0 { tell(Int64(amount)) }
    }

    package var value: Int { total.load(ordering: .relaxed) }
}
