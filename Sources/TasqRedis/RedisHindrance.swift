import Synchronization
package import Tasq

/// What a person must mend before Redis serves this program; time does not.
package enum RedisHindrance: Sendable {
    /// Redis refuses the user, the password, or a command to this user.
    case denied
    /// `REDIS_URL` names what is not there, is something else, or cannot be spoken to securely.
    case misconfigured
}

extension RedisAnnouncer {
    /// What is behind the error that was thrown last; `nil` for an outage, and for any other error.
    package func hindrance(behind error: AnnouncerError) -> RedisHindrance? {
        guard let fault = lastFault.withLock({ $0 }), text(of: fault) == error.description else {
            return nil
        }
        return fault.hindrance
    }
}

extension RedisFault {
    fileprivate var hindrance: RedisHindrance? {
        switch kind {
        // Only while a connection is set up: later a slot that moves is an answer like any other.
        case .refused("DATABASE"), .refused("MOVED"), .refused("SERVICE"), .refused("CLUSTER"),
            .refused("SENTINEL"), .refused("HANDSHAKE"):
            return .misconfigured
        case .refused(let word), .server(let word):
            let denials = ["NOAUTH", "WRONGPASS", "NO-PASSWORD-SET", "NOPERM"]
            return denials.contains(word) ? .denied : nil
        default: return nil
        }
    }
}
