import Tasq

extension StoreError {
    /// What an error of the server means to the caller, and whether the connection goes on.
    ///
    /// An error of severity ERROR has undone its transaction, so nothing was written. `place` is
    /// `host:port/database`.
    static func from(_ error: ServerError, at place: String) -> StoreError {
        let text = "postgres \(place): \(error.message)"
        switch error.sqlState {
        case "25006":
            return .unavailable("\(text); the server is read-only, another one may be the primary")
        case "3D000":
            return .misconfigured("\(text): create it or correct DATABASE_URL")
        case "3F000", "42P01", "42703", "42883":
            return .misconfigured("\(text): run `tasq migrate`")
        case "42501": return .denied(text)
        // A lock that was waited for long enough, or in a circle.
        case "55P03", "40P01": return .contended(text)
        // Timeouts, cancelled statements, objects in use, stale prepared statements.
        case "55006", "57014", "42P05": return .unavailable(text)
        default: break
        }
        switch error.sqlState.prefix(2) {
        case "28": return .denied(text)
        case "40", "25", "26", "08", "53", "57", "58", "XX": return .unavailable(text)
        default: return .rejected(sqlState: error.sqlState, text)
        }
    }

    /// What a failed connection attempt means to the caller.
    static func connecting(
        _ error: ServerError, at place: String, forbidsTLS: Bool = false
    ) -> StoreError {
        // No line of that file, whose name stands in every language, lets a plain connection in.
        if forbidsTLS, error.sqlState == "28000", error.message.contains("pg_hba.conf") {
            return .misconfigured(
                "postgres \(place): \(error.message): correct sslmode in DATABASE_URL")
        }
        guard error.sqlState.isEmpty else {
            let result = from(error, at: place)
            if case .rejected = result {
                return .unavailable("postgres \(place): \(error.message)")
            }
            return result
        }
        let text = "postgres \(place): \(error.message)"
        if error.message.contains("no password supplied") { return .denied(text) }
        if error.message.contains("certificate") || error.message.contains("does not support SSL") {
            return .misconfigured("\(text): correct sslmode and its files in DATABASE_URL")
        }
        if error.message.hasPrefix("invalid ") {
            return .misconfigured("\(text): correct DATABASE_URL")
        }
        return .unavailable(text)
    }

    /// The same error, saying what was being done.
    func during(_ action: String) -> StoreError {
        switch self {
        case .unavailable(let reason): .unavailable("\(action): \(reason)")
        case .contended(let reason): .contended("\(action): \(reason)")
        case .unknown(let reason): .unknown("\(action): \(reason)")
        case .rejected(let state, let reason): .rejected(sqlState: state, "\(action): \(reason)")
        case .denied(let reason): .denied("\(action): \(reason)")
        case .misconfigured(let reason): .misconfigured("\(action): \(reason)")
        case .unreadable(let reason): .unreadable("\(action): \(reason)")
        case .full: self
        }
    }
}

extension ServerError {
    /// Whether a connection that got this error is closed rather than used again.
    ///
    /// A full disk (53100) is no fault of the connection; the other shortages are eased by
    /// closing it. A read-only server is one that was demoted: the next attempt finds the primary.
    var discardsConnection: Bool {
        switch sqlState {
        case "53100", "57014": false
        case "42P05": true
        default:
            endsSession || ["08", "25", "26", "53", "57", "58", "XX"].contains(sqlState.prefix(2))
        }
    }
}
