import CoreMetrics
import MetricsTestKit
import Testing

@testable import Tasq

struct FacadeTests {
    private let backend = TestMetrics()
    private let meters: Meters

    init() {
        meters = withMetricsFactory(backend) { Meters() }
    }

    @Test func `Jobs that are put in are told by queue, and calls by how they ended`() throws {
        let urgent = try Name("urgent")
        meters.stored(3, on: [urgent, .defaultQueue, urgent])
        meters.enqueueTimes.observe(.nanoseconds(1_234_567))
        meters.enqueueFailed(.unavailable, after: .milliseconds(5))
        meters.settleFailed(Facade.Failure(.denied("no")), after: .seconds(2))

        let sent = try backend.expectCounter(
            "messaging.client.sent.messages",
            labels("enqueue", "send", [("messaging.destination.name", "urgent")]))
        #expect(sent.values == [2])
        #expect(backend.counterTotal(label: "messaging.client.sent.messages") == 3)
        #expect(backend.counterTotal(label: "tasq.enqueue_failures") == 1)
        #expect(backend.counterTotal(label: "tasq.settle_failures") == 1)
        let calls: [(String, String, String, Int64)] = [
            ("enqueue", "send", "", 1_234_567), ("enqueue", "send", "unavailable", 5_000_000),
            ("settle", "settle", "refused", 2_000_000_000),
        ]
        for (name, operation, error, time) in calls {
            let times = try backend.expectTimer(
                "messaging.client.operation.duration",
                labels(name, operation, [("error.type", error)]))
            #expect(times.values == [time], "\(name) \(error)")
            #expect(times.displayUnit == .seconds)
        }
        // Our own page goes on to count them.
        #expect(meters.enqueued.value == 3)
        #expect(meters.enqueueFailures.value == 1)
        #expect(meters.enqueueTimes.count == 1)
    }

    @Test(arguments: RunEnd.allCases)
    func `A run is told with its outcome, which is an error's type if it failed`(
        end: RunEnd
    ) throws {
        let (reports, mail) = (try Name("reports"), try Name("mail"))
        meters.jobs[reports, mail].ended(end, startedAt: .now)
        meters.jobs[reports, mail].recorded(after: .microseconds(7))

        let job = [("messaging.destination.name", "reports"), ("tasq.kind", "mail")]
        let outcome = end.label.value
        let error = ["retry", "error", "lost"].contains(outcome) ? outcome : ""
        let ends = [("tasq.outcome", outcome), ("error.type", error)]
        let runs = try backend.expectTimer(
            "messaging.process.duration", labels("run", "process", job + ends))
        #expect(runs.values.count == 1)
        #expect(backend.timers(label: "messaging.process.duration").count == 1)
        #expect(try backend.expectTimer("tasq.outcome_duration", job).values == [7000])
    }

    @Test func `Gauges sum up the workers that count together`() throws {
        let told = try #require(meters.told)
        var (one, other) = (ToldMeters.Slots(), ToldMeters.Slots())
        told.slots(of: &one, are: .init(busy: 1, free: 7), stuck: 0)
        told.slots(of: &other, are: .init(busy: 4, free: 0), stuck: 1)
        told.slots(of: &one, are: .init(busy: 0, free: 8), stuck: 1)
        let (busy, free) = ([("tasq.state", "busy")], [("tasq.state", "free")])
        #expect(try backend.expectGauge("tasq.slots", busy).values == [1, 5, 4])
        #expect(try backend.expectGauge("tasq.slots", free).values == [7, 7, 8])
        #expect(try backend.expectGauge("tasq.stuck_slots").values == [0, 1, 1])
    }

    @Test func `However many queues and kinds there are, series are few and alike`() throws {
        let kinds = try (0..<500).map { try Name("n-\($0)") } + [try Name("other")]
        for (number, kind) in kinds.enumerated() {
            meters.stored(1, on: [kind])
            let job = meters.jobs[kind, kinds[number / 2]]
            job.ended(number % 2 == 0 ? .success : .error, startedAt: .now)
            job.recorded(after: .zero)
        }
        meters.sweepTimes.observe(.milliseconds(1))
        meters.enqueueFailed(.contended, after: .milliseconds(1))

        let sent = backend.counters(label: "messaging.client.sent.messages")
        #expect(sent.count == LabelLimit.texts + 1)
        #expect(sent.map(\.totalValue).reduce(0, +) == 501)
        let runs = backend.timers(label: "messaging.process.duration")
        #expect(runs.map(\.values.count).reduce(0, +) == 501)
        #expect(runs.count <= 2 * (2 * LabelLimit.texts + 1))
        // There are backends that end the program over two series of a name with other labels.
        var names: [String: Set<[String]>] = [:]
        for series in backend.counters {
            names[series.label, default: []].insert(series.dimensions.map(\.0))
        }
        for series in backend.timers {
            names[series.label, default: []].insert(series.dimensions.map(\.0))
        }
        #expect(names.count == 5)
        for (name, labels) in names { #expect(labels.count == 1, "\(name)") }
    }

    @Test func `What has not happened has no series, and nobody is told without a backend`() {
        #expect(backend.counters.isEmpty && backend.timers.isEmpty && backend.recorders.isEmpty)
        let alone = Meters()
        let isTold = alone.told != nil
        #expect(!isTold)
        alone.stored(2, on: [.defaultQueue, .defaultQueue])
        #expect(alone.enqueued.value == 2)
        #expect(backend.counters.isEmpty)
    }

    private func labels(
        _ name: String, _ operation: String, _ more: [(String, String)]
    ) -> [(String, String)] {
        [
            ("messaging.system", "tasq"), ("messaging.operation.name", name),
            ("messaging.operation.type", operation),
        ] + more
    }
}
