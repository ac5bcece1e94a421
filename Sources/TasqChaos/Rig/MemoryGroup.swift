import Foundation
import Synchronization
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A control group that may have so much memory: the kernel kills whoever in it takes more.
///
/// Both kinds of control groups are known, and only root can make one.
struct MemoryGroup: Sendable {
    let path: String
    private let files: Files

    /// Where groups are, and what the files in one are called.
    private struct Files: Sendable {
        let root: String
        let limit: String
        /// Where the kernel counts whom it killed.
        let events: String
    }

    private static let prefix = "tasq-chaos-"
    /// How many this process has made.
    private static let count = Atomic(0)

    private static var files: Files? {
        let old = "/sys/fs/cgroup/memory"
        if FileManager.default.fileExists(atPath: old + "/memory.limit_in_bytes") {
            return Files(root: old, limit: "memory.limit_in_bytes", events: "memory.oom_control")
        }
        let root = "/sys/fs/cgroup"
        let given = FileManager.default.contents(atPath: root + "/cgroup.subtree_control") ?? Data()
        guard
            String(decoding: given, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                .contains("memory")
        else { return nil }
        return Files(root: root, limit: "memory.max", events: "memory.events")
    }

    /// Whether groups can be made here.
    static var areThere: Bool { files != nil }

    static func make(megabytes: Int) async throws -> MemoryGroup {
        guard let files else { throw TestingError.failed("there are no control groups here") }
        await sweep(files)
        let place = count.add(1, ordering: .relaxed).oldValue
        let group = MemoryGroup(path: "\(files.root)/\(prefix)\(getpid())-\(place)", files: files)
        try await ChildProcess.run(["mkdir", group.path])
        try await ChildProcess.run([
            "sh", "-c", #"echo "$2" > "$1""#, "sh", "\(group.path)/\(files.limit)",
            "\(megabytes << 20)",
        ])
        return group
    }

    /// Put before the command of a process that is to live in it.
    var wrapper: [String] {
        ["sh", "-c", #"echo $$ > "$0/cgroup.procs" && exec "$@""#, path]
    }

    /// How many processes the kernel has killed in it for taking too much.
    var killed: Int {
        let text = FileManager.default.contents(atPath: "\(path)/\(files.events)") ?? Data()
        return Self.killed(in: String(decoding: text, as: UTF8.self))
    }

    /// The same of the kernel's own text, as in `oom_kill 3`.
    static func killed(in events: String) -> Int {
        for line in events.split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return Int(line.dropFirst("oom_kill ".count)) ?? 0
        }
        return 0
    }

    /// Once nobody is in it.
    func remove() async {
        do { try await ChildProcess.run(["rmdir", path]) } catch {}
    }

    /// Removes what a run left behind that was killed.
    private static func sweep(_ files: Files) async {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: files.root)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let pid = name.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let pid = Int32(pid), kill(pid, 0) != 0 else { continue }
            await MemoryGroup(path: "\(files.root)/\(name)", files: files).remove()
        }
    }
}
