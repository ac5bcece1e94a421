import Foundation
import TasqTesting
import TestSizes
import Testing

@testable import Tasq

/// What the C compiler puts into the programs is what stands in the sources.
@Suite struct EmbeddedFileTests {
    private static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources")

    /// All files beside the code, but for those of TasqChaos, which has its own.
    private static func files() throws -> [String] {
        let all = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
        let kinds = [".sql", ".yaml", ".css", ".js"]
        return all.filter { path in
            kinds.contains { path.hasSuffix($0) } && !path.hasPrefix("TasqChaos/")
        }
    }

    @Test func `Every file beside the code is in the program, byte for byte`() throws {
        let files = try Self.files()
        #expect(files.count > 100)
        for file in files {
            let bytes = try Data(contentsOf: Self.sources.appending(path: file))
            #expect(EmbeddedFile.find(file)?.utf8.elementsEqual(bytes) == true, "\(file)")
        }
    }

    @Test func `Files are found by how their paths begin, in order`() throws {
        let folder = "TasqPostgres/SQL/migrations/"
        let found = EmbeddedFile.paths(startingWith: folder)
        let files = try Self.files().filter { $0.hasPrefix(folder) }
        #expect(found == files.sorted())
        #expect(found.first == folder + "0001_core.sql")
        #expect(EmbeddedFile.paths(startingWith: "nowhere/") == [])
    }
}
