import Foundation
import TasqTesting
import TestSizes
import Testing

private let isAskedFor = ProcessInfo.processInfo.environment["TASQ_TEST_LONG"] != nil

/// The package that the README shows, built of its text and nothing else, beside the repository.
/// Takes minutes: it runs when `TASQ_TEST_LONG` is set, as by `compose/test --long`.
@Suite(.enabled(if: isAskedFor), .large(limit: .seconds(3600)))
struct LongPackageTests {
    @Test func `A package of the README's text builds, and its tests pass`() async throws {
        let folder = NSTemporaryDirectory() + "tasq-\(UUID().uuidString)/"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for file in try Document.readme.files() {
            let path = URL(fileURLWithPath: folder + file.path)
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            // A checkout may have another name than the one people give it.
            let text = file.lines.joined(separator: "\n").replacing(
                #".package(path: "../tasq")"#,
                with: #".package(name: "tasq", path: "\#(Document.root)")"#)
            try Data((text + "\n").utf8).write(to: path)
        }
        // The same versions of everything else, where somebody has chosen some.
        try? FileManager.default.copyItem(
            atPath: Document.root + "Package.resolved", toPath: folder + "Package.resolved")
        let build = try await ChildProcess.start(
            "swift", ["test", "--package-path", folder],
            environment: ["TASQ_TEST_SLOW": "\(Slowness.factor)"], directory: folder)
        let exit = try await build.wait(within: .seconds(3300))
        #expect(exit == .code(0), "\(build.lines.suffix(100).joined(separator: "\n"))")
        #expect(build.lines.contains { $0.contains("Test run with 2 tests") })
    }
}
