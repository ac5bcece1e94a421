import Foundation
import Testing

/// A text for people in this repository, and the fenced blocks in it.
struct Document: Sendable, CustomTestStringConvertible {
    /// Below the repository, as in `README.md`.
    let path: String

    static let readme = Document(path: "README.md")

    /// The articles of the documentation catalogue.
    static let articles: [Document] = {
        let folder = "Sources/Tasq/Tasq.docc/"
        let names = try? FileManager.default.contentsOfDirectory(atPath: root + folder)
        return (names ?? []).filter { $0.hasSuffix(".md") }.sorted().map {
            Document(path: folder + $0)
        }
    }()

    static let all = [readme] + articles

    /// The repository, with a slash at its end.
    static let root = URL(filePath: #filePath, directoryHint: .notDirectory)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path()

    var testDescription: String { path }

    func text() throws -> String {
        try String(contentsOfFile: Self.root + path, encoding: .utf8)
    }

    /// The blocks that are whole files of a Swift package, with their paths: a manifest, and what begins
    /// with a path in a comment.
    func files() throws -> [(path: String, lines: [String])] {
        try blocks(of: "swift").compactMap { lines in
            guard let first = lines.first else { return nil }
            if first.hasPrefix("// swift-tools-version") { return ("Package.swift", lines) }
            guard first.hasPrefix("// Sources/") || first.hasPrefix("// Tests/") else { return nil }
            return (String(first.dropFirst(3)), lines)
        }
    }

    /// The lines of each fenced block of one of these languages.
    func blocks(of languages: String...) throws -> [[String]] {
        var blocks: [[String]] = []
        var block: [String]?
        for line in try text().split(separator: "\n", omittingEmptySubsequences: false) {
            if let lines = block {
                let isOver = line == "```"
                if isOver { blocks.append(lines) }
                block = isOver ? nil : lines + [String(line)]
            } else if line.hasPrefix("```"), languages.contains(String(line.dropFirst(3))) {
                block = []
            }
        }
        return blocks
    }
}
