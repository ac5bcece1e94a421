import FoundationEssentials
import TasqTesting

/// A file that tells one process's clock how far it is off.
struct FakeClock: Sendable {
    private let file: String
    private let library: String

    /// Where libfaketime is; nil where it is not installed.
    static var installed: String? {
        let root = "/usr/lib"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.map { "\(root)/\($0)/faketime/libfaketimeMT.so.1" }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Makes the file; nil where libfaketime is not installed. Its monotonic clock stays true.
    init?() {
        guard let found = Self.installed else { return nil }
        library = found
        file = "/tmp/tasq-chaos-clock-" + UUID().uuidString.prefix(8).lowercased()
        shift("+0")
    }

    /// For the process whose clock it is.
    var environment: [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
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
    func isWorn(by pid: Int32) -> Bool {
        let maps = FileManager.default.contents(atPath: "/proc/\(pid)/maps") ?? Data()
        return String(decoding: maps, as: UTF8.self).contains("libfaketime")
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: file)
    }
}
