import Foundation

/// The folder with what a run leaves behind: the logs of its processes, the rows of its database,
/// what the checkers found. Removed when nothing was found and nobody asked to keep it.
struct Evidence: Sendable {
    let path: String

    /// Makes the folder, under `parent` or where temporary files go.
    init(named name: String, in parent: String?) throws {
        let folder = parent ?? NSTemporaryDirectory()
        path =
            (folder.hasSuffix("/") ? folder : folder + "/")
            + "tasq-chaos-\(name)-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    /// A folder that is there already.
    init(at path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// The path of a file in it.
    func file(_ name: String) -> String { path + "/" + name }

    /// The execution log of one process.
    func log(of process: String) -> String { file("\(process).jsonl") }

    /// Keeps a copy of a file from elsewhere, if it is there.
    func keep(_ original: String, as name: String) {
        try? FileManager.default.copyItem(atPath: original, toPath: file(name))
    }

    func write(_ text: String, to name: String) {
        _ = FileManager.default.createFile(atPath: file(name), contents: Data(text.utf8))
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
