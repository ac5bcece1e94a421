import NIOCore
import Tasq

/// What one take came to: ids of one list, or where to ask instead.
struct Taking: Sendable {
    var ids: [JobID] = []
    var list = ""
    var redirection: Redirection?
}

/// One take as Redis is asked for it, and as it answers.
struct TakeRequest: Sendable {
    /// What came, all from one list.
    struct Batch {
        let list: String
        var elements: [[UInt8]]
    }

    let lists: [String]
    let limit: Int
    let wait: Duration

    /// `BLMPOP` reads a wait of zero as for ever, and ends a short one late: that does not block at all.
    var commands: Commands {
        let which = [String(lists.count)] + lists + ["RIGHT", "COUNT", String(limit)]
        guard blocks else { return Commands(["LMPOP"] + which) }
        return Commands(["BLMPOP", seconds] + which)
    }

    var blocks: Bool { wait >= RedisLimits.shortestWait }

    /// The wait, with a fraction.
    var seconds: String {
        let milliseconds = wait.inMicroseconds / 1000
        return "\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())"
    }

    /// Redis does not say which of the lists an error concerns.
    private var subject: String {
        "one of the lists \(lists.first ?? "") to \(lists.last ?? "")"
    }

    /// When the connection is given up.
    var time: TimeAmount { (max(wait, .zero) + RedisLimits.takeGrace).timeAmount }

    /// Reads a reply, which may be an error.
    func read(_ reply: Reply?) -> Result<Batch, RedisFault> {
        switch reply {
        case .error(let text):
            return .failure(.answer(text, about: subject))
        case .null:
            return .success(Batch(list: "", elements: []))
        case .array(let parts):
            guard parts.count == 2, case .bytes(let key) = parts[0],
                case .array(let elements) = parts[1],
                let list = lists.first(where: { $0.utf8.elementsEqual(key) })
            else { return .failure(.unexpected) }
            return .success(Batch(list: list, elements: elements.map(\.element)))
        default: return .failure(.unexpected)
        }
    }
}

extension Reply {
    /// An element of a list. What is none is empty, and dropped with whatever else is no id: the
    /// others have been taken.
    var element: [UInt8] {
        guard case .bytes(let bytes) = self else { return [] }
        return bytes
    }
}
