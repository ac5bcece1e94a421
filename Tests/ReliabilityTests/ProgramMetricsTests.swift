import CoreMetrics
import MetricsTestKit
import TasqTesting
import TestSizes
import Testing

/// A program with metrics of its own, a queue and a worker over real servers.
@Suite(.system) struct ProgramMetricsTests {
    @Test func `The program's own metrics tell what the page of the worker tells`() async throws {
        let backend = TestMetrics()
        let sent = "messaging.client.sent.messages"
        let consumed = "messaging.client.consumed.messages"
        try await withMetricsFactory(backend) {
            try await Station.with { station in
                try await station.enqueue("ok", 5)
                try await station.enqueue("bad", 2)
                _ = try await station.page {
                    $0.sum("tasq_outcome_duration_seconds_count") == 7
                        && $0.sum("tasq_settled_total") == 7
                }
                let runs = backend.timers(label: "messaging.process.duration")
                for (outcome, error, count) in [("success", "", 5), ("error", "error", 2)] {
                    let ended = runs.filter { series in
                        series.dimensions.contains { $0 == ("tasq.outcome", outcome) }
                            && series.dimensions.contains { $0 == ("error.type", error) }
                    }
                    #expect(ended.map(\.values.count) == [count], "\(outcome)")
                }
                #expect(runs.count == 2)
                let queue = [("messaging.destination.name", "default")]
                #expect(backend.counterTotal(label: sent, dimensions: queue) == 7)
                #expect(backend.counterTotal(label: consumed, dimensions: queue) == 7)
                let waits = backend.timers(label: "tasq.pickup_duration")
                #expect(waits.map(\.values.count).reduce(0, +) == 7)

                try await eventually("the same is told of slots, claims and ends") {
                    let page = try station.page()
                    let same = ["claimed", "swept", "taken", "settled", "reconciles"].allSatisfy {
                        Double(backend.counterTotal(label: "tasq.\($0)"))
                            == page.sum("tasq_\($0)_total")
                    }
                    return same && slots("busy", in: backend) == 0
                        && slots("free", in: backend) == 8
                }
                await station.end()
                // Whoever has left has no slots.
                #expect(slots("free", in: backend) == 0)
            }
        }
        let told =
            backend.counters.map(\.label) + backend.timers.map(\.label)
            + backend.recorders.map(\.label)
        let readme = try Document.readme.text()
        for name in Set(told) { #expect(readme.contains("`\(name)`"), "\(name)") }
        // What was made outside is none of its business.
        try await Station.with { station in
            try await station.enqueue("ok", 1)
            _ = try await station.page { $0.sum("tasq_settled_total") == 1 }
        }
        #expect(backend.counterTotal(label: sent) == 7)
    }

    private func slots(_ state: String, in backend: TestMetrics) -> Double? {
        try? backend.expectGauge("tasq.slots", [("tasq.state", state)]).lastValue
    }
}
