import Tasq
import TasqHTTP

/// Why a command ends without success: the sysexits code and one line for standard error.
struct Failure: Error {
    let code: Code
    /// Names the thing and the mend; several lines only where several things are wrong.
    let text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// The codes of `sysexits.h` that the program uses.
    enum Code: Int32, Sendable {
        /// A check failed or an operation was refused.
        case refused = 1
        case usage = 64
        case badData = 65
        case unavailable = 69
        case `internal` = 70
        case tryAgain = 75
        case denied = 77
        case misconfigured = 78
    }
}

extension Failure {
    init(_ error: StoreError) {
        let code: Code =
            switch error {
            case .unavailable: .unavailable
            case .contended, .unknown: .tryAgain
            case .rejected: .badData
            case .denied: .denied
            case .misconfigured, .unreadable: .misconfigured
            case .full(let refusal): refusal.retryAfter == nil ? .refused : .tryAgain
            }
        self.init(code, error.description)
    }

    /// What any error that reaches the top means.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as StoreError: self.init(error)
        case let error as AnnouncerError: self.init(.unavailable, error.description)
        case let error as ConfigurationError:
            self.init(error.isOfFlags ? .usage : .misconfigured, error.description)
        case let error as InvalidInput: self.init(.usage, error.description)
        case let error as ListenError: self.init(.unavailable, Self.text(of: error))
        default: self.init(.internal, "internal error: \(error)")
        }
    }

    /// The address and what to do, in place of the system's words with a library's call in them.
    private static func text(of error: ListenError) -> String {
        let text = error.description
        let mends = [
            (
                "Address already in use",
                "the port is taken: stop what listens there, or set another in http.ingest, "
                    + "http.admin or worker.listen"
            ),
            ("Permission denied", "this user may not take the port: set one from 1024 up"),
            ("Cannot assign requested address", "this computer has no such address"),
        ]
        guard let mend = mends.first(where: { text.contains($0.0) })?.1,
            let place = text.firstRange(of: ": ")
        else { return text }
        return "\(text[..<place.upperBound])\(mend)"
    }
}
