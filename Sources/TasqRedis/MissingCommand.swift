import Synchronization

/// Whether a command was lately found to be unknown to a server. Forgotten after a minute, for
/// servers are replaced by newer ones.
final class MissingCommand: Sendable {
    private let until = Mutex<ContinuousClock.Instant?>(nil)

    var isKnown: Bool { until.withLock { $0.map { .now < $0 } ?? false } }

    func note() {
        until.withLock { $0 = .now + RedisLimits.missingTime }
    }
}

extension RedisFault {
    /// Whether the server does not know the command.
    var isUnknownCommand: Bool { kind == .server("UNKNOWN-COMMAND") }

    /// Whether the server does not understand the command's words. That is no mark of age, unless
    /// they are those of a form that older servers do not have.
    var isSyntaxError: Bool { kind == .server("SYNTAX") }
}
