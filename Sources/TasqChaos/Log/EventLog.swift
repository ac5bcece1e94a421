import FoundationEssentials
import SystemPackage

/// The execution log of one process: a file that is only ever added to, one write a line.
///
/// What has been written is with the kernel, so no way for a process to die loses any of it, and
/// several threads and processes may write to one file.
final class EventLog: Sendable {
    private let file: FileDescriptor
    private let process: String
    private let pid = ProcessInfo.processInfo.processIdentifier

    /// Opens or makes the file. `process` names the writer in every line.
    init(at path: String, process: String) throws {
        file = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.append, .create, .closeOnExec],
            permissions: .ownerReadWrite)
        self.process = process
        // Whoever wrote here before may have died in the middle of a line.
        if try file.seek(offset: 0, from: .end) > 0 { try file.writeAll("\n".utf8) }
    }

    deinit {
        try? file.close()
    }

    /// Adds a line. A log that cannot be written makes every check worthless, so that is the end.
    func write(_ event: Event, at time: UInt64 = Event.now) {
        let line = event.line(at: time, by: process, pid: pid) + "\n"
        do {
            try file.writeAll(line.utf8)
        } catch {
            fatalError("the event log cannot be written: \(error)")
        }
    }
}
