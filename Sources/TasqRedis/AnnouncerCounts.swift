import Synchronization
import Tasq

/// What an announcer has done since it was made; for metrics.
package struct AnnouncerCounts: Sendable, Hashable {
    /// Ids Redis confirmed.
    package var announced = 0
    /// Ids whose announcement failed or went unanswered.
    package var announceFailures = 0
    /// Ids handed to callers of `take`.
    package var taken = 0
    /// Takes that ended with an error.
    package var takeFailures = 0
    /// Ids cut off lists that had grown too long.
    package var trimmed = 0
    /// Ids of cancelled takes put back on their lists, and those that a withdrawal met by chance.
    package var givenBack = 0
    /// Such ids that could not be put back; the sweep finds their rows.
    package var giveBackFailures = 0
    /// Elements dropped because they are no ids.
    package var malformed = 0
    /// Connections made.
    package var connects = 0
    /// Connections of those that replaced a lost one, or came after a failed attempt.
    package var reconnects = 0
}

extension AnnouncerCounts {
    var metrics: [Metric] {
        [
            Metric(
                "tasq_announcements_total", .counter,
                help: "Announcements by what became of them; what failed is left to the sweep.",
                samples: [("sent", announced), ("failed", announceFailures)].map(sample)),
            Metric(
                "tasq_given_back_ids_total", .counter,
                help: "Ids taken while the take was called off, by whether they were put back.",
                samples: [("sent", givenBack), ("failed", giveBackFailures)].map(sample)),
            count(
                "trimmed_ids", trimmed,
                "Ids cut off lists that nobody took from; their jobs are left to the sweep."),
            count("take_failures", takeFailures, "Takes that ended with an error."),
            count("malformed_ids", malformed, "Elements of lists that are no ids."),
            count("redis_connects", connects, "Connections made to Redis."),
            count(
                "redis_reconnects", reconnects,
                "Those of them that replaced a lost one, or came after a failure."),
        ]
    }

    private func sample(outcome: String, count: Int) -> Metric.Sample {
        Metric.Sample(Double(count), labels: [.init("outcome", outcome)])
    }

    private func count(_ name: String, _ value: Int, _ help: String) -> Metric {
        Metric("tasq_\(name)_total", .counter, help: help, value: Double(value))
    }
}

/// The counts under a lock.
final class Tally: Sendable {
    private let counts = Mutex(AnnouncerCounts())

    var current: AnnouncerCounts { counts.withLock { $0 } }

    func update(_ change: (inout AnnouncerCounts) -> Void) {
        counts.withLock { change(&$0) }
    }
}

extension Tally {
    func noteConnect(isReplacement: Bool) {
        update { counts in
            counts.connects += 1
            if isReplacement { counts.reconnects += 1 }
        }
    }
}
