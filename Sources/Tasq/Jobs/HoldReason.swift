/// Why a job is put off without being tried: what it depends on is held back.
///
/// It is stored as a sentence, with the job, and read again by those who tell what is held back.
package struct HoldReason: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// So many failures in a row, and what the last one was.
        case failures(Int, last: String)
        /// So many others wait for an answer.
        case silence(Int)
        /// It is well again since a moment.
        case recovery
    }

    /// What is held back, without a blank, as the origin of a target.
    private let subject: String
    private let cause: Cause

    package init(of subject: String, _ cause: Cause) {
        self.subject = subject
        self.cause = cause
    }

    /// The sentence.
    package var text: String {
        switch cause {
        case .failures(let count, let last):
            let times = count == 1 ? "once" : "\(count) times in a row"
            return "\(stem(.failing)) \(times), the last time: \(last)"
        case .silence(let count):
            return "\(stem(.silent)) \(count) others yet"
        case .recovery:
            return stem(.recovering)
        }
    }

    /// What a sentence says is held back, and how that is; `nil` for a text that is none of these.
    package static func read(_ text: String) -> (subject: String, state: HoldState)? {
        guard text.hasPrefix(opening) else { return nil }
        let rest = text.dropFirst(opening.count)
        let subject = rest.prefix { $0 != " " }
        let words = rest.dropFirst(subject.count + 1)
        let state = HoldState.allCases.first { words.hasPrefix($0.words) }
        return subject.isEmpty ? nil : state.map { (subject: String(subject), state: $0) }
    }

    /// put_off.sql looks for it, too.
    private static let opening = "held back since "

    private func stem(_ state: HoldState) -> String { "\(Self.opening)\(subject) \(state.words)" }
}

/// How something is that is held back.
public enum HoldState: String, Sendable, Hashable, CaseIterable {
    /// It fails: one at a time tries.
    case failing
    /// It has not answered those that are under way.
    case silent
    /// It answers again: more and more are let through.
    case recovering

    /// What a sentence says of it first.
    fileprivate var words: String {
        switch self {
        case .failing: "failed"
        case .silent: "has not answered"
        case .recovering: "has only just begun to answer again"
        }
    }
}
