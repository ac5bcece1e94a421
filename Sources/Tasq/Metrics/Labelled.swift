import Synchronization

/// One meter for each text of a label, up to a limit; later texts share the one called `other`.
///
/// Names of kinds and queues come from whoever enqueues: without a limit a stranger could grow the
/// memory of this program and of whoever collects its numbers. A lookup takes no lock and writes
/// nothing.
package final class Labelled<Meter: AnyObject & Sendable>: Sendable {
    private final class Entry: Sendable {
        let text: String
        let meter: Meter

        init(_ text: String, _ meter: Meter) {
            self.text = text
            self.meter = meter
        }
    }

    private final class Place: Sendable {
        let entry = AtomicLazyReference<Entry>()
    }

    /// Twice as many as may be taken, so that a search soon meets a free one.
    private let places = (0..<LabelLimit.texts * 2).map { _ in Place() }
    private let taken = Atomic<Int>(0)
    private let make: @Sendable () -> Meter
    private let other: Entry

    package init(_ make: @escaping @Sendable () -> Meter) {
        self.make = make
        other = Entry(LabelLimit.other, make())
    }

    /// The meter of a text.
    package subscript(_ text: String) -> Meter {
        guard text != LabelLimit.other else { return other.meter }
        let start = text.hashValue & (places.count - 1)
        for step in 0..<places.count {
            let place = places[(start + step) & (places.count - 1)]
            guard let entry = place.entry.load() ?? enter(text, at: place) else { break }
            if entry.text == text { return entry.meter }
        }
        return other.meter
    }

    /// Whoever holds the place now; `nil` when there is no room for another text.
    private func enter(_ text: String, at place: Place) -> Entry? {
        guard taken.wrappingAdd(1, ordering: .relaxed).oldValue < LabelLimit.texts else {
            taken.wrappingSubtract(1, ordering: .relaxed)
            return nil
        }
        let entry = Entry(text, make())
        let holder = place.entry.storeIfNil(entry)
        if holder !== entry { taken.wrappingSubtract(1, ordering: .relaxed) }
        return holder
    }

    /// Every meter with its text, in the texts' order, `other` last.
    package var all: [(text: String, meter: Meter)] {
        (places.compactMap { $0.entry.load() }.sorted { $0.text < $1.text } + [other])
            .map { ($0.text, $0.meter) }
    }
}

/// How many values a label takes whose texts come from outside.
package enum LabelLimit {
    /// Texts that get samples of their own; a power of two.
    package static let texts = 64
    /// What all others are called.
    package static let other = "other"
}
