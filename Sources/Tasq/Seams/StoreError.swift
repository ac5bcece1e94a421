/// Why the store did not do what was asked, by what the caller can do about it.
public enum StoreError: Error, Sendable, Hashable {
    /// Not reachable or not able right now; nothing was written. Try again.
    case unavailable(_ reason: String)
    /// Another transaction holds a row or a key for longer than is waited; nothing was written.
    /// The rest of a batch goes through without the part that is held up.
    case contended(_ reason: String)
    /// The connection died, or was told so late, that a write may or may not have been committed.
    /// Repeat the same write: every write here is idempotent by its ids.
    case unknown(_ reason: String)
    /// PostgreSQL refused the data; the same data will be refused again.
    case rejected(sqlState: String, _ reason: String)
    /// PostgreSQL refused the user, the password or the privilege.
    case denied(_ reason: String)
    /// The schema is missing, older than this program or newer; or a setting is wrong.
    case misconfigured(_ reason: String)
    /// The columns of an answer are not those that this program reads: the schema is not the one it was
    /// made for. What was asked may have been done, and will never be answered in another way.
    case unreadable(_ reason: String)
    /// A queue is over its limit, and nothing was written. Try again when it says.
    case full(_ refusal: QueueFull)

    /// Whether the same call may well succeed a moment later.
    public var isTransient: Bool {
        switch self {
        case .unavailable, .contended, .unknown: true
        case .rejected, .denied, .misconfigured, .unreadable: false
        case .full(let refusal): refusal.retryAfter != nil
        }
    }
}

extension StoreError: CustomStringConvertible {
    /// One line for people, without secrets.
    public var description: String {
        switch self {
        case .unavailable(let reason), .contended(let reason), .denied(let reason),
            .misconfigured(let reason), .unreadable(let reason):
            reason
        case .unknown(let reason): "the outcome of a write is unknown: \(reason)"
        case .rejected(let state, let reason): "\(reason) (SQLSTATE \(state))"
        case .full(let refusal): refusal.description
        }
    }
}
