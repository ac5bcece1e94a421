package import Tasq

/// JSON as text: whether bytes are it, and what its strings say.
package enum JSONText {
    /// Throws unless the bytes are one JSON value in UTF-8 that any store and decoder takes: nested
    /// at most ``JSONScanner/depthLimit`` deep, without `\u0000` and without lone surrogates.
    ///
    /// The rule's text names the byte at which the first fault stands, never its neighbours.
    package static func check(
        _ bytes: [UInt8], field: String = "payload"
    ) throws(InvalidInput) {
        do throws(JSONScanner.Fault) {
            do {
                _ = try UTF8Span(validating: bytes.span)
            } catch {
                throw JSONScanner.Fault(
                    offset: error.byteOffsets.lowerBound, rule: "is not UTF-8")
            }
            var scanner = JSONScanner(bytes)
            while let token = try scanner.next() {
                switch token {
                case .key(let range), .string(let range):
                    if bytes[range].contains(UInt8(ascii: "\\")) {
                        try checkEscapes(bytes[range])
                    }
                default:
                    break
                }
            }
        } catch {
            throw InvalidInput(
                field: field, "must be JSON, but \(error.rule) at byte \(error.offset)")
        }
    }

    /// The bytes a string's text stands for; `nil` when a surrogate has no partner.
    package static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(UInt8(ascii: "\\")) else { return Array(text) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard let scalar = scalar(&rest) else { return nil }
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return result
    }

    private static func checkEscapes(_ text: ArraySlice<UInt8>) throws(JSONScanner.Fault) {
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else { continue }
            let offset = rest.startIndex - 1
            guard let scalar = scalar(&rest) else {
                throw JSONScanner.Fault(offset: offset, rule: "has a lone surrogate")
            }
            guard scalar.value != 0 else {
                throw JSONScanner.Fault(offset: offset, rule: "has \\u0000")
            }
        }
    }

    /// Reads what follows a backslash.
    private static func scalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        switch rest.popFirst() {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let first = unit(&rest) else { return nil }
            guard (0xD800...0xDBFF).contains(first) else { return Unicode.Scalar(first) }
            guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
                let second = unit(&rest), (0xDC00...0xDFFF).contains(second)
            else { return nil }
            return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        case .some(let byte): return Unicode.Scalar(byte)
        case .none: return nil
        }
    }

    private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = rest.popFirst(), let digit = hexDigit(byte) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
