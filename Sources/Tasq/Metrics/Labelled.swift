import Synchronization

/// One meter for each key of a label, up to a limit; later keys have none.
///
/// Names of kinds and queues come from whoever enqueues: without a limit a stranger could grow the
/// memory of this program and of whoever collects its numbers. A lookup takes no lock and writes
/// nothing.
package final class Labelled<Key: Hashable & Sendable, Meter: AnyObject & Sendable>: Sendable {
    private final class Entry: Sendable {
        let key: Key
        let meter: Meter

        init(_ key: Key, _ meter: Meter) {
            self.key = key
            self.meter = meter
        }
    }

    private final class Place: Sendable {
        let entry = AtomicLazyReference<Entry>()
    }

    /// Twice as many as may be taken, so that a search soon meets a free one.
    private let places = (0..<LabelLimit.texts * 2).map { _ in Place() }
    private let taken = Atomic<Int>(0)
    private let make: @Sendable (Key) -> Meter

    package init(_ make: @escaping @Sendable (Key) -> Meter) {
        self.make = make
    }

    /// The meter of a key; `nil` when it has none, since there was no room for it.
    package subscript(_ key: Key) -> Meter? {
        let start = key.hashValue & (places.count - 1)
        for step in 0..<places.count {
            let place = places[(start + step) & (places.count - 1)]
            guard let entry = place.entry.load() ?? enter(key, at: place) else { return nil }
            if entry.key == key { return entry.meter }
        }
        return nil
    }

    /// Whoever holds the place now; `nil` when there is no room for another key.
    private func enter(_ key: Key, at place: Place) -> Entry? {
        // Nothing is written once all are taken: then every job of another key comes by here.
        guard taken.load(ordering: .relaxed) < LabelLimit.texts else { return nil }
        guard taken.wrappingAdd(1, ordering: .relaxed).oldValue < LabelLimit.texts else {
            taken.wrappingSubtract(1, ordering: .relaxed)
            return nil
        }
        let entry = Entry(key, make(key))
        let holder = place.entry.storeIfNil(entry)
        if holder !== entry { taken.wrappingSubtract(1, ordering: .relaxed) }
        return holder
    }

    /// Every meter with its key, in no order.
    package var all: [(key: Key, meter: Meter)] {
        places.compactMap { $0.entry.load() }.map { ($0.key, $0.meter) }
    }
}

/// How many values a label takes whose texts come from outside.
package enum LabelLimit {
    /// Texts, or pairs of them, that get samples of their own; a power of two.
    package static let texts = 64
    /// What all others are called.
    package static let other = "other"
}
