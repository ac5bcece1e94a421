import FoundationEssentials
import TasqPostgres
import TasqTesting

/// What the figures were taken on and with.
struct Machine: Sendable {
    let cores: Int
    let memoryMegabytes: Int
    let system: String
    let postgres: String
    let redis: String
    /// What PostgreSQL does before it acknowledges a commit, and with how much memory.
    let settings: [(name: String, value: String)]
    /// The source's commit, where the program stands in its working copy.
    let commit: String?
    let isDebug: Bool

    /// Settings worth telling.
    private static let names = [
        "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size",
    ]

    static func look(at servers: BenchServers) async throws -> Machine {
        let info = try await servers.redis.command("INFO", "server")
        let redis = info.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("redis_version:")
        }
        var settings: [(name: String, value: String)] = []
        for name in names {
            let row = try await servers.rows("SELECT current_setting('\(name)')")
            settings.append((name, try row[0].at(0)))
        }
        return Machine(
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryMegabytes: Int(ProcessInfo.processInfo.physicalMemory / 1_048_576),
            system: systemName,
            postgres: try await servers.rows("SELECT current_setting('server_version')")[0].at(0),
            redis: redis.map { String($0.dropFirst("redis_version:".count)) } ?? "unknown",
            settings: settings, commit: await commit(), isDebug: isDebugBuild)
    }

    /// For people.
    var lines: [(name: String, value: String)] {
        [
            ("machine", "\(cores) cores, \(memoryMegabytes) MB, \(system)"),
            (
                "versions",
                "tasq \(TasqCommand.version)\(isDebug ? " (debug build)" : ""), "
                    + "PostgreSQL \(postgres), Redis \(redis)"
            ),
            ("settings", settings.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")),
        ] + (commit.map { [("commit", $0)] } ?? [])
    }

    var json: JSON {
        .object([
            "cores": .int(cores), "memory_mb": .int(memoryMegabytes), "system": .string(system),
            "tasq": .string(TasqCommand.version), "debug_build": .bool(isDebug),
            "postgres": .string(postgres), "redis": .string(redis),
            "postgres_settings": .object(
                settings.map { JSON.Member(name: $0.name, value: .string($0.value)) }),
            "commit": .text(commit),
        ])
    }

    private static var systemName: String {
        let file = FileManager.default.contents(atPath: "/etc/os-release") ?? Data()
        let name = "PRETTY_NAME="
        let line = String(decoding: file, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix(name)
        }
        return line.map { $0.dropFirst(name.count).filter { $0 != "\"" } }
            ?? ProcessInfo.processInfo.operatingSystemVersionString
    }

    private static var isDebugBuild: Bool {
        var isDebug = false
        assert(
            {
                isDebug = true
                return true
            }())
        return isDebug
    }

    private static func commit() async -> String? {
        let folder = CommandLine.arguments[0].split(
            separator: "/", omittingEmptySubsequences: false
        )
        .dropLast().joined(separator: "/")
        guard !folder.isEmpty else { return nil }
        do {
            let git = try await ChildProcess.start(
                "git", ["-C", folder, "describe", "--always", "--dirty", "--abbrev=12"])
            guard try await git.wait(within: .seconds(10)) == .code(0) else { return nil }
            return git.standardOutput.split(whereSeparator: \.isNewline).first.map(String.init)
        } catch {
            return nil
        }
    }
}
