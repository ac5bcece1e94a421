import Foundation

/// The text of a test with that of the helpers it calls: what it can be said to try.
///
/// Helpers are functions of the test's own file, and of its target's Support.
struct TestSource {
    private let text: String
    /// Functions by their names, those of one name together.
    private var helpers: [String: String] = [:]

    /// A file below Tests, without its ending.
    init(of file: String) throws {
        let tests = Document.root + "Tests/"
        self.init(try String(contentsOfFile: "\(tests)\(file).swift", encoding: .utf8))
        let target = String(file.prefix { $0 != "/" })
        let support = "\(tests)\(target)/Support/"
        let names = try? FileManager.default.contentsOfDirectory(atPath: support)
        for name in names ?? [] where name.hasSuffix(".swift") {
            collect(try String(contentsOfFile: support + name, encoding: .utf8))
        }
    }

    /// A file's text.
    init(_ text: String) {
        self.text = text
        collect(text)
    }

    /// Every word like `--json` in the tests of these folders below Tests.
    static func flags(below folders: [String]) throws -> Set<String> {
        var flags: Set<String> = []
        for folder in folders {
            let path = Document.root + "Tests/" + folder
            let names = try FileManager.default.subpathsOfDirectory(atPath: path)
            for name in names where name.hasSuffix(".swift") {
                let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
                // By bytes: these are megabytes.
                for word in text.utf8.split(whereSeparator: { !isOfFlag($0) })
                where word.starts(with: "--".utf8) {
                    flags.insert(String(decoding: word, as: UTF8.self))
                }
            }
        }
        return flags
    }

    private static func isOfFlag(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    /// From its attribute to its last line, and all that it calls; `nil` when it is not there, or
    /// is no test: a comment, or a function whose attribute has gone.
    func test(named test: String) -> String? {
        guard let name = text.firstRange(of: "func `\(test)`"),
            let start = text[..<name.lowerBound].ranges(of: "\n    @Test").last
        else { return nil }
        // Between the two nothing else has ended, and no line is a comment.
        let head = text[start.lowerBound..<name.lowerBound]
        guard !head.contains("\n    }\n"), !head.contains("\n    //") else { return nil }
        let rest = text[name.upperBound...]
        let end = rest.firstRange(of: "\n    }\n")?.lowerBound ?? text.endIndex
        var whole = ""
        var parts = [String(text[start.lowerBound..<end])]
        var unread = helpers
        while let part = parts.popLast() {
            whole += part
            parts += Self.called(in: part).compactMap { unread.removeValue(forKey: $0) }
        }
        return whole
    }

    /// Functions of a type begin at its members' column, and end there.
    private mutating func collect(_ text: String) {
        var name: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isMember = line.hasPrefix("    ") && !line.dropFirst(4).hasPrefix(" ")
            var isWhole = line == "    }"
            if name == nil, isMember, !line.hasPrefix("    //"),
                let word = line.firstRange(of: "func ")
            {
                name = String(line[word.upperBound...].prefix { $0 != "(" && $0 != "<" })
                isWhole = line.hasSuffix("}")
            }
            guard let current = name else { continue }
            helpers[current, default: ""] += "\(line)\n"
            if isWhole { name = nil }
        }
    }

    /// The names that stand before a parenthesis.
    private static func called(in text: String) -> [String] {
        text.split(separator: "(").map { part in
            let blank = part.lastIndex { !$0.isLetter && !$0.isNumber && $0 != "_" }
            return String(blank.map { part[part.index(after: $0)...] } ?? part)
        }
    }
}
