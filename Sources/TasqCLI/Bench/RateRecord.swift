import Synchronization
import Tasq

/// Samples a counter while something runs.
struct RateRecord: Sendable {
    static let interval = Duration.milliseconds(200)

    private let samples = SampleList()

    /// Runs the body and notes meanwhile how fast the counter grows.
    func during<Result: Sendable>(
        _ counter: Counter, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.sample(counter) }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    func curve(_ name: String) -> RateCurve {
        RateCurve(name: name, points: samples.points.withLock { $0 })
    }

    private func sample(_ counter: Counter) async {
        let start = ContinuousClock.now
        var last = (time: start, count: counter.value)
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            let now = ContinuousClock.now
            let count = counter.value
            let point = RateCurve.Point(
                seconds: (now - start).inSeconds,
                perSecond: Double(count - last.count) / (now - last.time).inSeconds)
            samples.points.withLock { $0.append(point) }
            last = (now, count)
        }
    }

    private final class SampleList: Sendable {
        let points = Mutex<[RateCurve.Point]>([])
    }
}
