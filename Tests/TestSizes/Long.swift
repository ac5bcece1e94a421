public import Testing

/// An argument of a test that may be long: the log, which has a line for each case, shows how it
/// begins and how long it is.
public struct Long<Value: Collection & Sendable>: CustomTestStringConvertible, Sendable {
    /// The argument.
    public let value: Value

    /// Wraps the argument.
    public init(_ value: Value) {
        self.value = value
    }

    /// The first 64 elements, and how many follow.
    public var testDescription: String {
        let shown = value.prefix(64)
        let rest = value.count - shown.count
        return "\(shown)" + (rest > 0 ? " and \(rest) more" : "")
    }
}
