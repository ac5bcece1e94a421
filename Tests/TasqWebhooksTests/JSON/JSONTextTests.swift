import Foundation
import Tasq
import TasqWebhooks
import Testing

@Suite struct JSONTextTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", " false ", "0", "-0", "1.5e-7", "1e400", "\"\"",
        "\"\\ud83d\\ude00 \u{1F600} \\\\ \\\" \\/ \\b\\f\\n\\r\\t\"", "\t[1 , {\"a\" : [ ] } ]\r\n",
        "{\"a\":1,\"a\":2}", "\"\u{10FFFF}\"", "\"\u{7F}\"",
    ])
    func `Every form of JSON is taken`(text: String) throws {
        try JSONText.check(Array(text.utf8))
    }

    @Test(arguments: [
        ("", 0), (" ", 1), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1), ("01", 1),
        ("1.", 2), ("-", 1), ("1e", 2), ("+1", 0), (".5", 0), ("nul", 3), ("nulll", 4), ("NaN", 0),
        ("'a'", 0), ("\"a", 2), ("\"\n\"", 1), ("\"\\x\"", 2), ("\"\\u12g4\"", 5),
        ("\"\\ud800\"", 1), ("\"\\ud800\\u0041\"", 1), ("\"\\udc00\"", 1), ("\"\\u0000\"", 1),
        ("{\"\\u0000\":1}", 2), ("[1 2]", 3), ("{\"a\" 1}", 5), ("{} {}", 3), ("\u{FEFF}{}", 0),
        ("[}", 1), ("{]", 1), ("//", 0),
    ])
    func `What is not JSON is refused at its byte`(text: String, offset: Int) {
        let error = #expect(throws: InvalidInput.self) { try JSONText.check(Array(text.utf8)) }
        #expect(error?.field == "payload")
        #expect(error?.rule.hasSuffix("at byte \(offset)") == true, "\(error?.rule ?? "")")
    }

    @Test(
        arguments: [
            ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC0, 0x80, 0x22], 1),
            ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x22, 0x61, 0xE2, 0x82], 2), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1),
        ] as [([UInt8], Int)])
    func `Bytes that are not UTF-8 are refused at their place`(bytes: [UInt8], offset: Int) {
        let error = #expect(throws: InvalidInput.self) { try JSONText.check(bytes) }
        #expect(error?.rule == "must be JSON, but is not UTF-8 at byte \(offset)")
    }

    @Test func `Nesting is taken to its limit and not beyond, at any length`() throws {
        func nested(_ depth: Int, open: UInt8, close: UInt8) -> [UInt8] {
            Array(repeating: open, count: depth) + Array(repeating: close, count: depth)
        }
        try JSONText.check(nested(128, open: 0x5B, close: 0x5D))
        for depth in [129, 65_536, 1_000_000] {
            let error = #expect(throws: InvalidInput.self) {
                try JSONText.check(nested(depth, open: 0x5B, close: 0x5D))
            }
            #expect(error?.rule == "must be JSON, but nests deeper than 128 at byte 128")
        }
        let objects = Array(String(repeating: "{\"a\":", count: 100_000).utf8)
        #expect(throws: InvalidInput.self) { try JSONText.check(objects) }
    }

    @Test func `The rule shows nothing of the text`() {
        let error = #expect(throws: InvalidInput.self) {
            try JSONText.check(Array("{\"password\": hunter2}".utf8))
        }
        #expect(error?.description.contains("hunter") == false)
        #expect(error?.description.contains("password") == false)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `Mangled JSON never traps, and what is taken another parser takes too`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet =
            Array("{}[]\":,\\u0019aebfnrtsl-. \t\n".utf8) + [0x00, 0x7F, 0xC3, 0xA9, 0xFF]
        for _ in 0..<10_000 {
            var document: [UInt8] = []
            _ = RandomJSON.write(to: &document, depth: 0, using: &random)
            for _ in 0..<Int.random(in: 0...3, using: &random) where !document.isEmpty {
                let index = Int.random(in: 0..<document.count, using: &random)
                let byte = alphabet.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: document[index] = byte
                case 1: document.insert(byte, at: index)
                default: document.removeSubrange(index...)
                }
            }
            let pointer = try JSONPointer("/a/0", field: "seed")
            _ = pointer.value(in: document)
            // The other parser refuses numbers no Double holds.
            guard (try? JSONText.check(document)) != nil, !hasExponent(document) else { continue }
            let parsed = try? JSONSerialization.jsonObject(
                with: Data(document), options: .fragmentsAllowed)
            #expect(parsed != nil, "seed \(seed): \(String(decoding: document, as: UTF8.self))")
        }
    }

    private func hasExponent(_ document: [UInt8]) -> Bool {
        var scanner = JSONScanner(document)
        while let token = try? scanner.next() {
            guard case .number(let range) = token else { continue }
            if document[range].contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return true }
        }
        return false
    }
}
