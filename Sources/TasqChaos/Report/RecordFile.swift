import Synchronization
import SystemPackage
import Tasq

/// A record that a sitting adds to, one write a line: a kill loses the runs under way, and none
/// that has ended.
final class RecordFile: Sendable {
    let path: String
    /// What the programs of this sitting are called in it.
    let build: String
    private let file: FileDescriptor
    private let known: Mutex<Record>

    /// Opens or makes the file.
    init(at path: String, build: String) throws {
        let record = try Record(at: path)
        do {
            file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.append, .create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw RecordError(description: "the record \(path) cannot be written: \(error)")
        }
        self.path = path
        self.build = build
        known = Mutex(record)
        // What is added must not become part of a line that was cut off.
        if record.isOpen { try file.writeAll("\n".utf8) }
    }

    deinit {
        try? file.close()
    }

    /// What stands in it, with what this sitting added.
    var record: Record { known.withLock { $0 } }

    /// Adds a run that has ended.
    func add(_ run: Document) throws {
        var run = run
        run.build = build
        run.at = Timestamp.now.description
        let line = try run.line() + "\n"
        try file.writeAll(line.utf8)
        known.withLock { $0.add(run) }
    }
}
