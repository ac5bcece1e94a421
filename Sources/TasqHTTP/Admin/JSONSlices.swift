import Tasq
import TasqWebhooks

/// Cuts a JSON text into its members and elements without rewriting a byte of them.
///
/// The text has been checked by ``TasqWebhooks/JSONText``, so it is known to be well formed and
/// of bounded depth; nothing here recurses.
struct JSONSlices {
    private let bytes: [UInt8]

    /// Throws `InvalidInput` naming `field` when the bytes are not JSON.
    init(_ bytes: [UInt8], field: String) throws(InvalidInput) {
        try JSONText.check(bytes, field: field)
        self.bytes = bytes
    }

    /// The whole value, without the blanks around it.
    var whole: ArraySlice<UInt8> {
        var position = bytes.startIndex
        return value(at: &position)
    }

    /// The members of an object in order; `nil` for any other value.
    func members(
        of object: ArraySlice<UInt8>
    ) -> [(name: String, value: ArraySlice<UInt8>)]? {
        guard object.first == UInt8(ascii: "{") else { return nil }
        var members: [(String, ArraySlice<UInt8>)] = []
        var position = object.startIndex + 1
        while skipBlanks(&position), bytes[position] != UInt8(ascii: "}") {
            let name = value(at: &position)
            _ = skipBlanks(&position)
            position += 1
            members.append((Self.string(name) ?? "", value(at: &position)))
            skipComma(&position)
        }
        return members
    }

    /// The elements of an array in order; `nil` for any other value.
    func elements(of array: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        guard array.first == UInt8(ascii: "[") else { return nil }
        var elements: [ArraySlice<UInt8>] = []
        var position = array.startIndex + 1
        while skipBlanks(&position), bytes[position] != UInt8(ascii: "]") {
            elements.append(value(at: &position))
            skipComma(&position)
        }
        return elements
    }

    /// What a string says; `nil` for any other value.
    static func string(_ value: ArraySlice<UInt8>) -> String? {
        guard value.first == UInt8(ascii: "\"") else { return nil }
        return JSONText.unescaped(value.dropFirst().dropLast()).flatMap {
            String(validating: $0, as: UTF8.self)
        }
    }

    /// The value that starts after the blanks at `position`; moves behind it.
    private func value(at position: inout Int) -> ArraySlice<UInt8> {
        _ = skipBlanks(&position)
        let start = position
        var depth = 0
        while position < bytes.endIndex {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                skipString(&position)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { return bytes[start..<position] }
                depth -= 1
                position += 1
            default:
                skipWord(&position)
            }
            if depth == 0 { break }
            skipSeparators(&position)
        }
        return bytes[start..<position]
    }

    private func skipString(_ position: inout Int) {
        position += 1
        while position < bytes.endIndex, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, bytes.endIndex)
    }

    /// Skips a number, `true`, `false` or `null`.
    private func skipWord(_ position: inout Int) {
        repeat {
            position += 1
        } while position < bytes.endIndex
            && !Self.endsWord(bytes[position])
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "]"), UInt8(ascii: "}"): true
        default: isBlank(byte)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// Whether there is anything after the blanks.
    private func skipBlanks(_ position: inout Int) -> Bool {
        while position < bytes.endIndex, Self.isBlank(bytes[position]) { position += 1 }
        return position < bytes.endIndex
    }

    private func skipComma(_ position: inout Int) {
        if skipBlanks(&position), bytes[position] == UInt8(ascii: ",") { position += 1 }
    }

    /// Skips what stands between two tokens inside a container.
    private func skipSeparators(_ position: inout Int) {
        while skipBlanks(&position),
            bytes[position] == UInt8(ascii: ",") || bytes[position] == UInt8(ascii: ":")
        {
            position += 1
        }
    }
}
