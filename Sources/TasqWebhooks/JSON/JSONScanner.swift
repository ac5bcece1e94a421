import Tasq

/// Reads JSON (RFC 8259) token by token, without recursion and without building values.
///
/// The bytes are a stranger's: nothing here traps on any input, and nesting is bounded by
/// ``depthLimit``, so no input exhausts the stack. Grammar is checked to the last byte; what a
/// string means (escapes, UTF-8) is checked by whoever reads the string.
package struct JSONScanner {
    /// How deep containers may nest.
    package static let depthLimit = 128

    package enum Token: Hashable {
        case beginObject, endObject, beginArray, endArray
        /// A member's name: the bytes between its quotes.
        case key(Range<Int>)
        /// A string: the bytes between its quotes.
        case string(Range<Int>)
        case number(Range<Int>)
        case `true`, `false`, null
    }

    /// Where the text stops being JSON, and why.
    package struct Fault: Error, Hashable {
        package let offset: Int
        package let rule: String
    }

    private enum Expectation {
        case value, valueOrEnd, key, keyOrEnd, commaOrEnd, end
    }

    private let bytes: [UInt8]
    private var position = 0
    private var expected = Expectation.value
    /// The open containers, outermost first; `true` for an object.
    private var containers: [Bool] = []

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next token; `nil` after the last one.
    package mutating func next() throws(Fault) -> Token? {
        while true {
            skipBlanks()
            switch expected {
            case .end:
                guard position == bytes.count else { throw fault("has more after its value") }
                return nil
            case .value, .valueOrEnd:
                if expected == .valueOrEnd, take("]") { return close(.endArray) }
                return try value()
            case .key, .keyOrEnd:
                if expected == .keyOrEnd, take("}") { return close(.endObject) }
                return try key()
            case .commaOrEnd:
                let isObject = containers.last == true
                if take(",") {
                    expected = isObject ? .key : .value
                } else if isObject, take("}") {
                    return close(.endObject)
                } else if !isObject, take("]") {
                    return close(.endArray)
                } else {
                    throw fault(isObject ? "misses , or }" : "misses , or ]")
                }
            }
        }
    }

    private mutating func value() throws(Fault) -> Token {
        guard position < bytes.count else { throw fault("ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try open(.beginObject)
        case UInt8(ascii: "["): return try open(.beginArray)
        case UInt8(ascii: "\""): return scalar(.string(try string()))
        case UInt8(ascii: "t"): return try word("true", .true)
        case UInt8(ascii: "f"): return try word("false", .false)
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return scalar(.number(try number()))
        }
    }

    private mutating func key() throws(Fault) -> Token {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fault("misses a member name")
        }
        let name = try string()
        skipBlanks()
        guard take(":") else { throw fault("misses :") }
        expected = .value
        return .key(name)
    }

    private mutating func open(_ token: Token) throws(Fault) -> Token {
        guard containers.count < Self.depthLimit else {
            throw fault("nests deeper than \(Self.depthLimit)")
        }
        position += 1
        containers.append(token == .beginObject)
        expected = token == .beginObject ? .keyOrEnd : .valueOrEnd
        return token
    }

    private mutating func close(_ token: Token) -> Token {
        containers.removeLast()
        return scalar(token)
    }

    /// A value has ended here.
    private mutating func scalar(_ token: Token) -> Token {
        expected = containers.isEmpty ? .end : .commaOrEnd
        return token
    }

    private mutating func word(_ text: StaticString, _ token: Token) throws(Fault) -> Token {
        for byte in "\(text)".utf8 {
            guard position < bytes.count, bytes[position] == byte else {
                throw fault("has an unknown word")
            }
            position += 1
        }
        return scalar(token)
    }

    private mutating func string() throws(Fault) -> Range<Int> {
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"):
                try escape()
            case 0..<0x20:
                throw fault("has a control character in a string")
            default:
                position += 1
            }
        }
        throw fault("ends within a string")
    }

    private mutating func escape() throws(Fault) {
        position += 1
        guard position < bytes.count else { throw fault("ends within a string") }
        switch bytes[position] {
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard position < bytes.count, hexDigit(bytes[position]) != nil else {
                    throw fault("has \\u without four hex digits")
                }
                position += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default:
            throw fault("has an unknown escape")
        }
    }

    private mutating func number() throws(Fault) -> Range<Int> {
        let start = position
        _ = take("-")
        if !take("0") {
            guard digits() > 0 else { throw fault("has no value where one must stand") }
        }
        if take(".") {
            guard digits() > 0 else { throw fault("has a number without digits after its point") }
        }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            guard digits() > 0 else { throw fault("has a number without an exponent") }
        }
        return start..<position
    }

    private mutating func digits() -> Int {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        return position - start
    }

    private mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private func fault(_ rule: String) -> Fault {
        Fault(offset: position, rule: rule)
    }
}
