import Foundation
import Synchronization

/// The directory of a private server: given and kept, or temporary and removed with its server.
struct ServerDirectory: Sendable {
    let path: String
    let isTemporary: Bool

    var log: String { path + "/log" }

    /// Makes the directory, of mode 0700 and belonging to `owner` if that is not this user.
    ///
    /// Under root, PostgreSQL's user must be able to reach it. Where it cannot, as in /root, the
    /// directory is made in that user's home instead, under a name derived from the path asked for.
    static func make(
        at given: String?, kind: String, owner: String? = nil, asOwner: [String] = []
    ) async throws(TestingError) -> ServerDirectory {
        let path =
            given.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
            ?? NSTemporaryDirectory() + "tasq-\(kind)-" + UUID().uuidString.prefix(8).lowercased()
        let directory = ServerDirectory(path: path, isTemporary: given == nil)
        guard let owner else {
            try await ChildProcess.run(["/bin/mkdir", "-p", "-m", "700", path])
            return directory
        }
        let isOurs = ["/usr/bin/install", "-d", "-m", "700", "-o", owner, "-g", owner, "--"]
        try await ChildProcess.run(isOurs + [path])
        let reach = try await ChildProcess.start(
            "/usr/bin/env", asOwner + ["test", "-w", path])
        if try await reach.wait() == .code(0) { return directory }
        directory.remove()
        guard let home = homeDirectory(of: owner) else {
            throw .failed(
                "\(path) cannot be reached by the user \(owner): choose another directory")
        }
        let other = ServerDirectory(
            path: "\(home)/tasq-\(kind)-\(fingerprint(of: path))", isTemporary: given == nil)
        try await ChildProcess.run(isOurs + [other.path])
        return other
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The last lines of the log, for an error message.
    var lastWords: String {
        guard let bytes = FileManager.default.contents(atPath: log) else { return "" }
        let text = String(decoding: bytes.suffix(4096), as: UTF8.self)
        return text.split(separator: "\n").suffix(8).joined(separator: " / ")
    }

    /// Whether the log has this anywhere, however much was written since.
    func hasWritten(_ text: String) -> Bool {
        guard let bytes = FileManager.default.contents(atPath: log) else { return false }
        return String(decoding: bytes, as: UTF8.self).contains(text)
    }

    private static func homeDirectory(of user: String) -> String? {
        guard let file = FileManager.default.contents(atPath: "/etc/passwd") else { return nil }
        for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 5, fields[0] == user { return String(fields[5]) }
        }
        return nil
    }

    /// FNV-1a, 64 bits: the same path always leads to the same directory.
    private static func fingerprint(of path: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

/// Ports for private servers.
enum LoopbackPort {
    /// How many ports are tried before giving up.
    static let tries = 20

    /// A port that is probably free; whether it is, the server finds out when it binds.
    ///
    /// Trying with the server itself leaves no moment between the look and the use. The range ends
    /// below the one from which systems take the ports of outgoing connections, and none is named
    /// twice in a process, so that a stopped server finds its port free when it comes back, and
    /// nobody else answers there meanwhile.
    static func candidate() -> Int {
        named.withLock { named in
            while true {
                let port = Int.random(in: 20_000..<32_000)
                if named.insert(port).inserted { return port }
            }
        }
    }

    private static let named = Mutex<Set<Int>>([])
}
