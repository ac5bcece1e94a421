import Foundation
import Testing

@testable import TasqChaos

/// What the README says of the faults; `tasq-chaos list` says the same.
struct ReadmeTests {
    @Test func `Every fault is in it, in its own words, once`() throws {
        let lines = try lines()
        for fault in Fault.all {
            let words = "`\(fault.name)`: \(fault.summary)"
            let count = lines.filter { $0 == "- " + words || $0.hasPrefix("| \(words) |") }.count
            #expect(count == 1, "\(words)")
        }
    }

    @Test func `Every row of its table is a fault that there is`() throws {
        let names = Set(Fault.all.map(\.name))
        let rows = try lines().filter { $0.hasPrefix("| `") }.compactMap { row in
            row.split(separator: "`").dropFirst().first.map(String.init)
        }
        #expect(rows.count > 50)
        #expect(rows.filter { !names.contains($0) } == [])
    }

    /// Of the part about them.
    private func lines() throws -> [String] {
        let readme = URL(filePath: #filePath, directoryHint: .notDirectory)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "README.md")
        let lines = try String(contentsOf: readme, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let part = lines.drop { $0 != "## What is tried against it" }.dropFirst()
        return Array(part.prefix { !$0.hasPrefix("## ") })
    }
}
