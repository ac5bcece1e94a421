/// The name of a queue, a kind of job or a webhook source.
///
/// One to 100 of the ASCII characters `A–Z a–z 0–9 _ . : -`. Names become Redis keys, metric
/// labels and paths, so nothing else is accepted.
public struct Name: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The text itself.
    public let description: String

    /// The queue a job goes to when nobody says otherwise.
    public static let defaultQueue = Name(unchecked: "default")

    /// Throws ``InvalidInput`` naming `field` when the text is not a name.
    public init(_ text: String, field: String = "name") throws(InvalidInput) {
        guard (1...100).contains(text.utf8.count), text.utf8.allSatisfy(isNameByte) else {
            throw InvalidInput(
                field: field, "must be 1 to 100 of the characters A-Z a-z 0-9 _ . : -")
        }
        description = text
    }

    /// For text that is already known to be a name: a literal, or a column with the same check.
    package init(unchecked text: String) {
        description = text
    }

    /// A text as a part of a name: what no name may hold becomes `_`, byte by byte.
    package static func part(of text: String) -> String {
        String(decoding: text.utf8.map { isNameByte($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    /// Orders by the text.
    public static func < (left: Self, right: Self) -> Bool {
        left.description < right.description
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: ":"), UInt8(ascii: "-"):
        true
    default:
        false
    }
}

/// Input that breaks a rule; its text names the field and the rule, never the value.
public struct InvalidInput: Error, Hashable, CustomStringConvertible {
    /// The field that broke the rule, as the user wrote it.
    public let field: String
    /// The rule, as in `must be between 0 and 3`.
    public let rule: String

    /// Names the field and the rule. Put no value into either: both are shown and logged.
    public init(field: String, _ rule: String) {
        self.field = field
        self.rule = rule
    }

    /// Field and rule as one phrase, as in `priority must be between 0 and 3`.
    public var description: String { "\(field) \(rule)" }
}
