import Tasq

/// Texts that stand in SQL by name: what several statements say, written once.
///
/// `@name` stands for a part, indented like its line; `@name(worker: $2)` is the part with `$2`
/// wherever it says `@worker`. A view would do the same for the eye, and move plans. What there is no
/// part or no value for, and a part within itself, is left as it stands: no server takes an `@`.
package struct SQLParts: Sendable {
    private let find: @Sendable (String) -> String?

    /// Parts as they are found by their names; the comments they begin with are not put in.
    package init(_ find: @escaping @Sendable (String) -> String?) {
        self.find = find
    }

    /// The text with every part in place.
    package func assembled(_ text: String) -> String {
        // Most texts have none, and every start of a program looks through all of them.
        guard text.utf8.contains(UInt8(ascii: "@")) else { return text }
        return assembled(text, [:], within: [])
    }

    private func assembled(
        _ text: String, _ values: [String: String], within outer: Set<String>
    ) -> String {
        var result = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "@") {
            result += rest[..<mark]
            rest = rest[rest.index(after: mark)...]
            let name = String(rest.prefix { $0.isLetter || $0 == "_" })
            rest = rest.dropFirst(name.count)
            if let value = values[name] {
                result += value
            } else if !outer.contains(name), let part = find(name) {
                let line = result.lastIndex(of: "\n").map { result[$0...].dropFirst() }
                let indent = String((line ?? result[...]).prefix { $0 == " " })
                let given = Self.given(&rest).mapValues { assembled($0, values, within: outer) }
                let text = part.split(separator: "\n").drop { $0.hasPrefix("--") }
                    .joined(separator: "\n")
                result += assembled(text, given, within: outer.union([name]))
                    .replacing("\n", with: "\n" + indent)
            } else {
                result += "@" + name
            }
        }
        result += rest
        return result
    }

    /// What stands in brackets right behind a name, as in `(job: j, crashes: < 2)`.
    private static func given(_ rest: inout Substring) -> [String: String] {
        guard rest.first == "(", let end = rest.firstIndex(of: ")") else { return [:] }
        var given: [String: String] = [:]
        for pair in rest[..<end].dropFirst().split(separator: ",") {
            let words = pair.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " } }
            if words.count == 2 { given[String(words[0])] = String(words[1]) }
        }
        rest = rest[rest.index(after: end)...]
        return given
    }
}

extension SQLParts {
    /// The files of `SQL/parts`.
    static let all = SQLParts { EmbeddedFile.find("TasqPostgres/SQL/parts/\($0).sql") }
}
