import Synchronization
import Tasq
import TasqPostgres

/// One look and what the looks before it make of it.
struct TopReading: Sendable {
    let glance: Glance
    /// Events a second; `nil` at the first look.
    let rates: Rates?

    struct Rates: Sendable, Hashable {
        var enqueued: Double
        var started: Double
        var succeeded: Double
        var failed: Double
    }
}

/// Looks, and remembers the sums of the last seconds.
final class TopSource: Sendable {
    private let store: PostgresStore
    private let window = Mutex(RateWindow())

    init(store: PostgresStore) {
        self.store = store
    }

    /// Where the database is, without secrets.
    var place: String { store.place }

    func look() async throws(StoreError) -> TopReading {
        let glance = try await store.glance()
        let rates = window.withLock { $0.add(glance.totals, at: glance.asOf) }
        return TopReading(glance: glance, rates: rates)
    }
}

/// Sums of the last seconds, for rates: PostgreSQL tells them about once a second, so the rate over
/// a single second would flicker.
struct RateWindow: Sendable {
    /// How far back a rate looks, in microseconds.
    static let length: Int64 = 5_000_000

    private var points: [(totals: Glance.Totals, time: Timestamp)] = []

    /// Takes the sums of one more look; `nil` at the first, or when the sums began anew.
    mutating func add(_ totals: Glance.Totals, at time: Timestamp) -> TopReading.Rates? {
        if let last = points.last,
            time <= last.time || totals.enqueued < last.totals.enqueued
                || totals.started < last.totals.started || totals.ended < last.totals.ended
                || totals.failed < last.totals.failed
        {
            points = []
        }
        points.append((totals, time))
        while points.count > 2, time.microseconds - points[1].time.microseconds >= Self.length {
            points.removeFirst()
        }
        guard let first = points.first, first.time < time else { return nil }
        let seconds = Double(time.microseconds - first.time.microseconds) / 1e6
        let rate = { (sum: KeyPath<Glance.Totals, Int>) in
            Double(totals[keyPath: sum] - first.totals[keyPath: sum]) / seconds
        }
        return TopReading.Rates(
            enqueued: rate(\.enqueued), started: rate(\.started),
            succeeded: max(0, rate(\.ended) - rate(\.failed)), failed: rate(\.failed))
    }
}
