import Tasq

/// HTML. What is interpolated is escaped, unless it is markup itself; there is no other way to put
/// a value into a page.
struct Markup: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    init(stringLiteral text: String) {
        self.text = text
    }

    init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    /// Every item's markup, one behind the other.
    init<Items: Sequence>(each items: Items, _ markup: (Items.Element) -> Markup) {
        text = items.map { markup($0).text }.joined()
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
        mutating func appendInterpolation(_ markup: Markup?) { text += markup?.text ?? "–" }
        mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += escaped(value.description)
        }
        mutating func appendInterpolation<Value: CustomStringConvertible>(_ value: Value?) {
            text += value.map { escaped($0.description) } ?? "–"
        }
    }
}

/// The one place that makes text harmless, between tags and in quoted attributes alike.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.unicodeScalars.append(isReplaced(scalar) ? "\u{FFFD}" : scalar)
        }
    }
    return result
}

/// Control characters, and those that turn the direction of what follows: no page has them.
func isReplaced(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\u{0}"..."\u{8}", "\u{B}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{202A}"..."\u{202E}",
        "\u{2066}"..."\u{2069}":
        true
    default: false
    }
}
