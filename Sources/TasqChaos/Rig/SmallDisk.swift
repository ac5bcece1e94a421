import Foundation
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file system in memory that is soon full; only root can make one.
struct SmallDisk: Sendable {
    let path: String

    private static let prefix = "tasq-chaos-disk-"

    static func make(megabytes: Int) async throws -> SmallDisk {
        await sweep()
        let name = "\(prefix)\(getpid())-" + UUID().uuidString.prefix(8).lowercased()
        let path = NSTemporaryDirectory() + name
        try await ChildProcess.run(["mkdir", path])
        try await ChildProcess.run(
            ["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=755", "tmpfs", path])
        try await ChildProcess.run(
            ["install", "-d", "-o", "postgres", "-m", "700", path + "/small"])
        return SmallDisk(path: path)
    }

    /// Whatever still uses it keeps it alive until it ends.
    func remove() async {
        do { try await ChildProcess.run(["umount", "--lazy", path]) } catch {}
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Removes what a run left behind that was killed.
    private static func sweep() async {
        let folder = NSTemporaryDirectory()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let pid = name.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let pid = Int32(pid), kill(pid, 0) != 0 else { continue }
            await SmallDisk(path: folder + name).remove()
        }
    }
}
