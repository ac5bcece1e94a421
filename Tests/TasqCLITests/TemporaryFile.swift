import Foundation

/// A file with a text in it, removed when the last user lets it go.
final class TemporaryFile: Sendable {
    let path: String

    init(_ text: String, name: String = "tasq.yaml") throws {
        let directory = NSTemporaryDirectory() + "tasq-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        path = directory + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// Puts another text in its place.
    func replace(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    var directory: String { (path as NSString).deletingLastPathComponent }

    deinit {
        do { try FileManager.default.removeItem(atPath: directory) } catch {}
    }
}

/// The package's folder.
let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
