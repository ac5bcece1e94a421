import Tasq

/// Headers as one column: `name: value` lines, as HTTP/1.1 writes them.
///
/// A line break cannot occur within a header that came over HTTP; one that was put there by a
/// program becomes a space, so that no value can pass for another header.
enum HeaderBlock {
    static func encode(_ headers: [Payload.Header]) -> [UInt8] {
        var block: [UInt8] = []
        for header in headers {
            block.append(contentsOf: header.name.utf8.map(lineSafe))
            block.append(contentsOf: [UInt8(ascii: ":"), UInt8(ascii: " ")])
            block.append(contentsOf: header.value.utf8.map(lineSafe))
            block.append(UInt8(ascii: "\n"))
        }
        return block
    }

    static func decode(_ block: [UInt8]) -> [Payload.Header] {
        block.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == UInt8(ascii: " ") }
            return Payload.Header(
                name: String(decoding: line[..<colon], as: UTF8.self),
                value: String(decoding: value, as: UTF8.self))
        }
    }

    private static func lineSafe(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == 0
            ? UInt8(ascii: " ") : byte
    }
}
