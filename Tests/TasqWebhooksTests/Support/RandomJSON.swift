/// Writes random JSON and remembers what every pointer into it must find.
enum RandomJSON {
    /// What a document holds: by pointer in UTF-8 (two names that Swift holds equal are two), the
    /// text of a scalar, or `nil` for null and containers.
    typealias Expected = [[UInt8]: String?]

    static let names = ["a", "b", "", "0", "1", "~", "/", "é", "e\u{301}", "long name"]

    /// Appends one value; the result's pointers are relative to it.
    static func write(
        to text: inout [UInt8], depth: Int, using random: inout SeededGenerator
    ) -> Expected {
        blanks(&text, &random)
        defer { blanks(&text, &random) }
        switch Int.random(in: 0..<(depth < 5 ? 9 : 5), using: &random) {
        case 0:
            text += Array("null".utf8)
            return [[]: String?.none]
        case 1:
            let word = Bool.random(using: &random) ? "true" : "false"
            text += Array(word.utf8)
            return [[]: word]
        case 2:
            let number =
                ["0", "-0", "17", "-1.50", "2e3", "9223372036854775808"]
                .randomElement(using: &random) ?? "0"
            text += Array(number.utf8)
            return [[]: number]
        case 3, 4:
            let value =
                ["", "x", "é\u{1F600}", "a\"\\/b", "line\nend", "\u{7F}"]
                .randomElement(using: &random) ?? ""
            string(value, &text, &random)
            return [[]: value]
        case 5, 6:
            return array(&text, depth, &random)
        default:
            return object(&text, depth, &random)
        }
    }

    private static func array(
        _ text: inout [UInt8], _ depth: Int, _ random: inout SeededGenerator
    ) -> Expected {
        var expected: Expected = [[]: String?.none]
        text.append(UInt8(ascii: "["))
        blanks(&text, &random)
        for index in 0..<Int.random(in: 0...3, using: &random) {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            for (pointer, value) in write(to: &text, depth: depth + 1, using: &random) {
                expected[Array("/\(index)".utf8) + pointer] = value
            }
        }
        text.append(UInt8(ascii: "]"))
        return expected
    }

    private static func object(
        _ text: inout [UInt8], _ depth: Int, _ random: inout SeededGenerator
    ) -> Expected {
        var expected: Expected = [[]: String?.none]
        text.append(UInt8(ascii: "{"))
        blanks(&text, &random)
        for index in 0..<Int.random(in: 0...4, using: &random) {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            let name = names.randomElement(using: &random) ?? ""
            blanks(&text, &random)
            string(name, &text, &random)
            blanks(&text, &random)
            text.append(UInt8(ascii: ":"))
            let written = Array(written(name).utf8)
            // The last of equal names counts: forget what the earlier one held.
            expected = expected.filter {
                $0.key != written && !$0.key.starts(with: written + [UInt8(ascii: "/")])
            }
            for (pointer, value) in write(to: &text, depth: depth + 1, using: &random) {
                expected[written + pointer] = value
            }
        }
        text.append(UInt8(ascii: "}"))
        return expected
    }

    private static func written(_ name: String) -> String {
        var text = "/"
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// A string, each of its UTF-16 units escaped or not as chance has it.
    private static func string(
        _ value: String, _ text: inout [UInt8], _ random: inout SeededGenerator
    ) {
        text.append(UInt8(ascii: "\""))
        for scalar in value.unicodeScalars {
            if Int.random(in: 0..<4, using: &random) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    let padded = String(repeating: "0", count: 4 - digits.count) + digits
                    text += Array("\\u\(padded)".utf8)
                }
            } else {
                switch scalar {
                case "\"": text += Array("\\\"".utf8)
                case "\\": text += Array("\\\\".utf8)
                case "\n": text += Array("\\n".utf8)
                default: text += Array(String(scalar).utf8)
                }
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func blanks(_ text: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 0...1, using: &random) {
            text.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &random) ?? 0x20)
        }
    }
}
