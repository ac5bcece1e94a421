import FoundationEssentials
import TasqTesting

/// A file that tells one process's clock how far it is off.
struct FakeClock: Sendable {
    private let file: String
    private let libraries: String

    /// Where libfaketime is; nil where it is not installed.
    static var installed: String? {
        let root = "/usr/lib"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.map { "\(root)/\($0)/faketime/libfaketimeMT.so.1" }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Makes the file; nil where libfaketime is not installed. Its monotonic clock stays true, and so
    /// do timers that go by it.
    static func make() async throws -> FakeClock? {
        guard let library = installed else { return nil }
        let file = "/tmp/tasq-chaos-clock-" + UUID().uuidString.prefix(8).lowercased()
        try await ChildProcess.run(
            ["cc", "-shared", "-fPIC", "-o", file + ".so", "-x", "c", "-"], input: timers)
        let clock = FakeClock(file: file, libraries: "\(file).so:\(library)")
        clock.shift("+0")
        return clock
    }

    /// libfaketime (0.9.10) leaves the monotonic clock alone when told so, and all the same shifts
    /// the moment that a timer of it is set to, by which such a timer rings at once or hours later.
    /// This comes before it.
    private static let timers = """
        #include <sys/syscall.h>
        #include <unistd.h>
        int timerfd_settime(int fd, int flags, const void *next, void *last) {
            return syscall(SYS_timerfd_settime, fd, flags, next, last);
        }

        """

    /// For the process whose clock it is.
    var environment: [String: String] {
        [
            "LD_PRELOAD": libraries, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ]
    }

    /// Moves the clock to this far from the true time, as in `+5m`.
    func shift(_ offset: String) {
        _ = FileManager.default.createFile(
            atPath: file, contents: Data((offset + "\n").utf8),
            attributes: [.posixPermissions: 0o644])
    }

    /// How far ahead of the true time it is for a process that goes by it.
    func secondsAhead() async throws -> Int {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let theirs = try await ChildProcess.run(["env"] + variables + ["date", "+%s"])
        let seconds = theirs.filter { $0.isNumber }
        return (Int(seconds) ?? 0) - Int(Date().timeIntervalSince1970)
    }

    /// Whether a process goes by it, or by another of its kind.
    func isWorn(by pid: Int32) async throws -> Bool {
        // It comes in pieces, of which FileManager takes the first for the whole.
        try await ChildProcess.run(["cat", "/proc/\(pid)/maps"]).contains("libfaketime")
    }

    func remove() {
        for name in [file, file + ".so"] { try? FileManager.default.removeItem(atPath: name) }
    }
}
