/// What went wrong with Redis, by what it means for the connection; its text has no secret.
struct RedisFault: Error, Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// The caller's task was cancelled.
        case cancelled
        /// The announcer was closed.
        case closed
        /// No connection came to stand.
        case unreachable
        /// The connection stood, but Redis refused us with this class of error.
        case refused(String)
        /// The connection broke.
        case lost
        /// No answer came in time.
        case silent
        /// What came was not an answer.
        case garbled
        /// Too much waits for an answer already.
        case backlog
        /// Redis answered a command with this class of error.
        case server(String)
    }

    let kind: Kind
    let text: String

    init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    static let cancelled = RedisFault(.cancelled, "cancelled")
    static let closed = RedisFault(.closed, "the announcer is closed")
    static let lost = RedisFault(.lost, "the connection was closed by the server")
    static let silent = RedisFault(.silent, "no answer in time")
    static let backlog = RedisFault(.backlog, "too many commands wait for an answer")

    /// The same with the node's name in front of its text; with none where there are no others.
    func at(_ node: String) -> RedisFault {
        node.isEmpty ? self : RedisFault(kind, "\(node): \(text)")
    }

    /// Whether it concerns the connection rather than one command.
    var isOfConnection: Bool {
        if case .server = kind { false } else { true }
    }

    /// Whether it concerns one list, whatever becomes of the others: something else is at its key.
    var isOfOneList: Bool { kind == .server("WRONGTYPE") }

    /// Whether a connection on which this was answered must not be used again.
    var endsConnection: Bool {
        guard case .server(let word) = kind else { return kind != .backlog }
        return [
            "READONLY", "UNBLOCKED", "MASTERDOWN", "NOAUTH", "WRONGPASS", "MAXCLIENTS",
        ].contains(word)
    }
}

extension RedisFault {
    /// The meaning of an error that Redis answered.
    ///
    /// Redis quotes the words of a command it does not know, so its text is never passed on
    /// whole, and not at all while a connection is set up and a password is among the words.
    ///
    /// - Parameters:
    ///   - error: As it came, without the leading `-`.
    ///   - subject: The key it concerns, for the text.
    static func answer(_ error: String, about subject: String) -> RedisFault {
        let word = Self.word(of: error)
        return RedisFault(.server(word), mend(for: word, about: subject) ?? excerpt(of: error))
    }

    /// The meaning of an error that Redis answered while the connection was set up.
    static func refusal(_ error: String) -> RedisFault {
        let word = Self.word(of: error)
        return RedisFault(
            .refused(word),
            mend(for: word, about: "the connection") ?? "refused the connection (\(word))")
    }

    /// The class of an error: its first word, or one of ours where Redis only says `ERR`.
    private static func word(of error: String) -> String {
        let own = [
            ("ERR unknown command", "UNKNOWN-COMMAND"),
            ("ERR syntax error", "SYNTAX"),
            ("ERR max number of clients", "MAXCLIENTS"),
            ("ERR AUTH", "NO-PASSWORD-SET"),
            ("ERR Client sent AUTH", "NO-PASSWORD-SET"),
            ("ERR invalid password", "WRONGPASS"),
            ("ERR DB index", "DATABASE"),
            ("ERR invalid DB index", "DATABASE"),
            ("ERR SELECT is not allowed", "MOVED"),
        ]
        if let match = own.first(where: { error.hasPrefix($0.0) }) { return match.1 }
        let word = error.prefix { ("A"..."Z").contains($0) }
        return (2...32).contains(word.utf8.count) ? String(word) : "ERR"
    }

    private static func mend(for word: String, about subject: String) -> String? {
        switch word {
        case "WRONGTYPE": "\(subject) holds something that is not tasq's: delete or rename it"
        case "OOM": "out of memory: raise maxmemory"
        case "READONLY": "a read-only replica: name the primary in REDIS_URL"
        case "LOADING": "still loading its data"
        case "MISCONF": "refuses writes because it cannot save to disk: see its log"
        case "BUSY": "busy with a script"
        case "NOREPLICAS": "refuses writes because too few replicas follow"
        case "MASTERDOWN": "a replica without its primary"
        case "UNBLOCKED": "ended the wait because its role changed"
        case "NOAUTH": "asks for a password: put it in REDIS_URL"
        case "WRONGPASS": "refused the user or the password in REDIS_URL"
        case "NO-PASSWORD-SET": "has no password set: remove it from REDIS_URL"
        case "NOPERM": "the user in REDIS_URL has no permission for tasq's commands on \(subject)"
        case "MAXCLIENTS": "has no client slot free: raise maxclients"
        case "DATABASE":
            "has no database of the number in REDIS_URL; a cluster has only 0: redis+cluster://"
        case "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN":
            "a node of a cluster: write redis+cluster:// in REDIS_URL"
        case "CLUSTERDOWN":
            "a node of a cluster (redis+cluster:// in REDIS_URL) that does not serve \(subject)"
        case "UNKNOWN-COMMAND":
            "redis needs version 6.0 or newer: workers poll the table meanwhile"
        default: nil
        }
    }

    /// The error's printable beginning, without the command's own words.
    private static func excerpt(of error: String) -> String {
        let text = error.split(separator: ",", maxSplits: 1).first.map(String.init) ?? ""
        let printable = text.unicodeScalars.filter { (32..<127).contains($0.value) }.prefix(100)
        return "answered " + String(String.UnicodeScalarView(printable))
    }
}
