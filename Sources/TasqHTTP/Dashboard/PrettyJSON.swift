/// Sets JSON in lines, for people: nothing but the blanks between its tokens is changed.
///
/// It takes what was cut off, or is no JSON, as it comes, and never asks for more than one look at
/// each byte.
struct PrettyJSON {
    /// Levels that are moved in; what nests deeper stands below its parent.
    private static let levels = 24

    /// At most about `limit` bytes of text.
    static func lines(of json: some Sequence<UInt8>, limit: Int) -> (text: [UInt8], isCut: Bool) {
        var pretty = PrettyJSON()
        for byte in json {
            guard pretty.text.count < limit else { return (pretty.text, true) }
            pretty.take(byte)
        }
        return (pretty.text, false)
    }

    private enum Place {
        /// Behind an opening bracket, behind a comma, elsewhere.
        case opening, member, inside
    }

    private var text: [UInt8] = []
    private var depth = 0
    private var place = Place.inside
    private var isInString = false
    private var isEscaped = false
    /// A blank was left out, which a word behind a word would miss.
    private var isApart = false

    private mutating func take(_ byte: UInt8) {
        if isInString {
            text.append(byte)
            isInString = isEscaped || byte != UInt8(ascii: "\"")
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            return
        }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
            isApart = true
            return
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            begin()
            text.append(byte)
            depth += 1
            place = .opening
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth = max(0, depth - 1)
            if place != .opening { newLine() }
            text.append(byte)
            place = .inside
        case UInt8(ascii: ","):
            text.append(byte)
            place = .member
        case UInt8(ascii: ":"):
            text += [byte, UInt8(ascii: " ")]
        default:
            begin()
            text.append(byte)
            isInString = byte == UInt8(ascii: "\"")
        }
        isApart = false
    }

    /// What stands before a value or a name.
    private mutating func begin() {
        if place != .inside {
            newLine()
        } else if isApart, let last = text.last, last != UInt8(ascii: " ") {
            text.append(UInt8(ascii: " "))
        }
        place = .inside
    }

    private mutating func newLine() {
        text.append(UInt8(ascii: "\n"))
        text += Array(repeating: UInt8(ascii: " "), count: 2 * min(depth, Self.levels))
    }
}
