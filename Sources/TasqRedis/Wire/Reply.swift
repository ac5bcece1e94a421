/// What Redis answers to a command.
enum Reply: Sendable, Hashable {
    case status(String)
    /// An error is an answer like any other; see ``RedisFault`` for what it means.
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    case null
    case array([Reply])
}

/// Why the bytes that came are no answer; the connection they came on is of no more use.
struct ReplyError: Error, Hashable {
    let description: String
}

extension Reply {
    var isError: Bool {
        if case .error = self { true } else { false }
    }
}
