import Synchronization

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
    /// Ids of cancelled takes put back on their lists.
    package var givenBack = 0
    /// Ids of cancelled takes that could not be put back; the sweep finds their rows.
    package var giveBackFailures = 0
    /// Elements dropped because they are no ids.
    package var malformed = 0
    /// Connections made.
    package var connects = 0
    /// Connections of those that replaced a lost one, or came after a failed attempt.
    package var reconnects = 0
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
