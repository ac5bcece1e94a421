/// What a node of a cluster answers when a command is better asked elsewhere, or later.
enum Redirection: Sendable, Hashable {
    /// The slot belongs to another node now; without an address, to the one that answered, under
    /// another port.
    case moved(ServerAddress)
    /// The slot is on its way to another node, and this key with it.
    case ask(ServerAddress)
    /// The slot is on its way, and only some of the command's keys have arrived.
    case tryAgain

    /// Reads an error, as in `MOVED 3999 127.0.0.1:6381`; `nil` for any other.
    ///
    /// - Parameter server: Who answered: it leaves its own host's name out.
    init?(_ error: String, from server: ServerAddress) {
        let words = error.split(separator: " ")
        guard let word = words.first else { return nil }
        if word == "TRYAGAIN" {
            self = .tryAgain
            return
        }
        guard word == "MOVED" || word == "ASK", words.count == 3,
            let colon = words[2].lastIndex(of: ":"),
            let port = Int64(words[2][words[2].index(after: colon)...])
        else { return nil }
        let host = words[2][..<colon]
        guard
            let target = ServerAddress(
                bytes: Array((host.isEmpty ? server.host[...] : host).utf8), port: port)
        else { return nil }
        self = word == "MOVED" ? .moved(target) : .ask(target)
    }
}

extension RedisFault {
    /// Whether the key is, or is going, elsewhere.
    var isOfMove: Bool {
        guard case .server(let word) = kind else { return false }
        return ["MOVED", "ASK", "TRYAGAIN"].contains(word)
    }
}
