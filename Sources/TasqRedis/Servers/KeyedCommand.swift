import Tasq

/// One command, and the key that decides which server it is for.
struct KeyedCommand: Sendable {
    let key: String
    let words: [String]
    /// Ids that follow the words.
    var ids: ArraySlice<JobID> = []

    init(_ words: String..., on key: String) {
        self.words = words
        self.key = key
    }

    init(push ids: ArraySlice<JobID>, onto list: String) {
        words = ["LPUSH", list]
        key = list
        self.ids = ids
    }

    /// Puts ids back where the next take finds them, in their old order.
    init(putBack ids: [JobID], onto list: String) {
        words = ["RPUSH", list]
        key = list
        self.ids = ids.reversed()[...]
    }
}

extension Commands {
    mutating func append(_ command: KeyedCommand) {
        append(command.words, command.ids)
    }
}

/// What became of one command.
struct Answer: Sendable {
    let result: Result<Reply, RedisFault>
    /// The node that answered or did not, as the log tells it from others; empty without others.
    let node: String

    /// The reply, or the fault that kept it away; an error that Redis answered is a fault.
    ///
    /// - Parameter subject: What the command was about, for the text.
    func reply(about subject: String) -> Result<Reply, RedisFault> {
        result.flatMap { reply in
            guard case .error(let text) = reply else { return .success(reply) }
            return .failure(.answer(text, about: subject))
        }.mapError { $0.at(node) }
    }
}
