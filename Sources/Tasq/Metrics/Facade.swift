import CoreMetrics
import Synchronization

/// Tells what is counted here to the backend that the program has set for swift-metrics, too.
///
/// Names and labels are OpenTelemetry's where it has them for messaging. All series of a name have
/// the same labels in the same order, with an empty text for what does not hold: there are backends
/// that end the program otherwise. A series begins with the first thing it counts.
package struct Facade: Sendable {
    /// Takes a count, or nanoseconds.
    package typealias Tell = @Sendable (Int64) -> Void
    typealias Labels = [(String, String)]

    private let factory: any MetricsFactory

    /// The backend of the task that asks, or else the program's; `nil` when there is none, and then
    /// nothing more than that is looked at for each thing that is counted.
    static var current: Facade? {
        let factory = MetricsSystem.factory
        return factory is NOOPMetricsHandler ? nil : Facade(factory: factory)
    }

    func counter(_ name: String, _ labels: Labels = []) -> Tell {
        let counter = Lazily { [factory] in
            CoreMetrics.Counter(label: name, dimensions: labels, factory: factory)
        }
        return { counter.value.increment(by: $0) }
    }

    func gauge(_ name: String, _ labels: Labels = []) -> Tell {
        let gauge = Lazily { [factory] in
            CoreMetrics.Gauge(label: name, dimensions: labels, factory: factory)
        }
        return { gauge.value.record($0) }
    }

    /// Counts of things, as a distribution.
    func sizes(_ name: String) -> Tell {
        let recorder = Lazily { [factory] in
            CoreMetrics.Recorder(label: name, factory: factory)
        }
        return { recorder.value.record($0) }
    }

    private func timer(_ name: String, _ labels: Labels) -> Tell {
        let timer = Lazily { [factory] in
            CoreMetrics.Timer(
                label: name, dimensions: labels, preferredDisplayUnit: .seconds, factory: factory)
        }
        return { timer.value.recordNanoseconds($0) }
    }
}

/// Made when it is first asked for. Of two that are made at once the first stays.
private final class Lazily<Value: AnyObject & Sendable>: Sendable {
    private let made = AtomicLazyReference<Value>()
    private let make: @Sendable () -> Value

    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    var value: Value { made.load() ?? made.storeIfNil(make()) }
}

extension Facade {
    /// What a call does, in the words of OpenTelemetry.
    enum Operation: String {
        case send
        case receive
        case settle
        case process
    }

    /// What the labels of a failure say of an ``StoreError``.
    enum Failure: String, CaseIterable {
        case unavailable
        case contended
        case unknown
        case refused

        init(_ error: StoreError) {
            self =
                switch error {
                case .unavailable: .unavailable
                case .contended: .contended
                case .unknown: .unknown
                case .rejected, .denied, .misconfigured, .unreadable, .full: .refused
                }
        }
    }

    /// Jobs committed on a queue.
    func sent(to queue: String) -> Tell {
        counter(
            "messaging.client.sent.messages",
            labels("enqueue", .send) + [("messaging.destination.name", queue)])
    }

    /// How long calls took that did not fail, or failed like this.
    func calls(_ name: String, _ operation: Operation, _ failure: Failure? = nil) -> Tell {
        timer(
            "messaging.client.operation.duration",
            labels(name, operation) + [("error.type", failure?.rawValue ?? "")])
    }

    /// How long jobs waited; each is one that came to be run.
    func pickups(_ queue: String, _ kind: String) -> Tell {
        let time = timer("tasq.pickup_duration", labels(queue, kind))
        let count = counter(
            "messaging.client.consumed.messages",
            labels("claim", .receive) + labels(queue, kind))
        return {
            time($0)
            count(1)
        }
    }

    /// How long handlers ran that came to this end.
    func runs(_ end: RunEnd, _ queue: String, _ kind: String) -> Tell {
        let outcome = end.label.value
        let ends = [("tasq.outcome", outcome), ("error.type", end.isFailure ? outcome : "")]
        return timer(
            "messaging.process.duration", labels("run", .process) + labels(queue, kind) + ends)
    }

    /// How long it took from there to the record of the outcome.
    func outcomes(_ queue: String, _ kind: String) -> Tell {
        timer("tasq.outcome_duration", labels(queue, kind))
    }

    private func labels(_ name: String, _ operation: Operation) -> Labels {
        [
            ("messaging.system", "tasq"), ("messaging.operation.name", name),
            ("messaging.operation.type", operation.rawValue),
        ]
    }

    private func labels(_ queue: String, _ kind: String) -> Labels {
        [("messaging.destination.name", queue), ("tasq.kind", kind)]
    }
}
