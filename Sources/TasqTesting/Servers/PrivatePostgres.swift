import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A private PostgreSQL on a free loopback port, with trust authentication and its own data.
///
/// It listens on 127.0.0.1 only. As root the server runs as the user `postgres`, because PostgreSQL
/// refuses root. It never outlives this process, nor this object: then it is stopped as by
/// `.immediate`. Do not call `stop`, `restart` and `start` of one server concurrently.
public final class PrivatePostgres: PostgresServer {
    /// The port on 127.0.0.1; the same for ever, whatever stops and starts.
    public let port: Int
    /// Where data and log are: as asked for, unless PostgreSQL's user cannot reach that.
    public var directory: String { place.path }

    private let place: ServerDirectory
    private let command: [String]
    private let environment: [String: String]
    private let process: Mutex<ChildProcess>

    /// How long the server may take to start, recovery included.
    public static let startLimit = Duration.seconds(120).onThisMachine
    /// How long the server may take to stop before it is killed.
    public static let stopLimit = Duration.seconds(60).onThisMachine

    private init(
        port: Int, place: ServerDirectory, command: [String], environment: [String: String],
        process: ChildProcess
    ) {
        self.port = port
        self.place = place
        self.command = command
        self.environment = environment
        self.process = Mutex(process)
    }

    deinit {
        if place.isTemporary, process.withLock({ $0.exit != nil }) { place.remove() }
    }

    /// Makes a database cluster, or takes the one that is there, and starts a server on it.
    ///
    /// - Parameters:
    ///   - directory: Where its data and log live and stay. If nil, a temporary directory, which
    ///     goes when this object or this process goes.
    ///   - settings: As in `postgresql.conf`; they win over those set here.
    ///   - durable: False leaves out every `fsync`: faster, and as safe as long as only processes
    ///     die, not the machine.
    ///   - primary: A running server to be the standby of: its data is copied, and what it writes
    ///     is followed until ``promote()``.
    ///   - environment: More variables of the server.
    public static func start(
        in directory: String? = nil, settings: [String: String] = [:], durable: Bool = true,
        following primary: PrivatePostgres? = nil, environment: [String: String] = [:]
    ) async throws(TestingError) -> PrivatePostgres {
        let programs = try PostgresPrograms.find()
        let place = try await ServerDirectory.make(
            at: directory, kind: "postgres", owner: programs.owner, asOwner: programs.asOwner)
        do throws(TestingError) {
            try await makeCluster(at: place, with: programs, following: primary)
            let all = defaults(durable: durable).merging(settings) { $1 }
            let options = all.sorted { $0.key < $1.key }.flatMap {
                ["-c", "\($0.key)=\($0.value)"]
            }
            let command =
                programs.asOwner + [programs.postgres, "-D", place.path + "/data"] + options
            for _ in 0..<LoopbackPort.tries {
                let port = LoopbackPort.candidate()
                if let process = try await launch(
                    command, environment, port: port, at: place)
                {
                    return PrivatePostgres(
                        port: port, place: place, command: command, environment: environment,
                        process: process)
                }
            }
            throw TestingError.failed("no free port after \(LoopbackPort.tries) tries")
        } catch {
            if place.isTemporary { place.remove() }
            throw error
        }
    }

    /// The connection URI of one of its databases.
    public func url(database: String) -> String {
        "postgres://postgres@127.0.0.1:\(port)/\(database)"
    }

    /// The process id of the postmaster, also after it has ended.
    public var pid: Int32 { process.withLock { $0.pid } }

    /// Whether the postmaster is there.
    public var isRunning: Bool { process.withLock { $0.exit == nil } }

    /// How a server is told to stop.
    public enum StopMode: Sendable, Hashable {
        /// Open transactions are rolled back, sessions ended, everything is written (SIGINT).
        case fast
        /// As after a crash: no goodbye, and recovery at the next start (SIGQUIT).
        case immediate
    }

    /// Stops the server and waits for its end. The rows stay for `restart()`.
    public func stop(_ mode: StopMode = .fast) async {
        let process = process.withLock { $0 }
        process.signal(mode == .fast ? SIGINT : SIGQUIT)
        do {
            _ = try await process.wait(within: Self.stopLimit)
        } catch {
            process.signal(SIGKILL)
            do { _ = try await process.wait() } catch {}
        }
    }

    /// Starts the server again on its port and its data, after a fast stop if it is running.
    public func restart() async throws(TestingError) {
        await stop(.fast)
        for _ in 0..<LoopbackPort.tries {
            if let next = try await Self.launch(command, environment, port: port, at: place) {
                process.withLock { $0 = next }
                return
            }
            do { try await Task.sleep(for: .milliseconds(250)) } catch { break }
        }
        throw .failed("port \(port) is taken by somebody else")
    }

    /// Makes a standby a primary and waits until it takes writes.
    public func promote() async throws(TestingError) {
        try await execute("SELECT pg_promote()")
    }

    /// What a private server needs and what makes it quiet.
    private static func defaults(durable: Bool) -> [String: String] {
        var settings = [
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC",
        ]
        if !durable {
            settings["fsync"] = "off"
            settings["full_page_writes"] = "off"
        }
        return settings
    }

    /// `initdb` under another name first, so that one cut off in the middle is never mistaken.
    private static func makeCluster(
        at place: ServerDirectory, with programs: PostgresPrograms,
        following primary: PrivatePostgres?
    ) async throws(TestingError) {
        let data = place.path + "/data"
        try? FileManager.default.removeItem(atPath: place.log)
        guard !FileManager.default.fileExists(atPath: data) else { return }
        let fresh = data + ".new"
        try? FileManager.default.removeItem(atPath: fresh)
        let copy = URL(fileURLWithPath: programs.initdb).resolvingSymlinksInPath()
            .deletingLastPathComponent()
            .appendingPathComponent("pg_basebackup").path
        let words =
            primary.map { primary in
                [
                    copy, "--no-sync", "-c", "fast", "-X", "stream", "-R", "-d",
                    primary.url(database: "postgres"), "-D", fresh,
                ]
            } ?? [
                programs.initdb, "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                "--locale=C.UTF-8", "-D", fresh,
            ]
        try await ChildProcess.run(programs.asOwner + words, directory: "/")
        do {
            try FileManager.default.moveItem(atPath: fresh, toPath: data)
        } catch {
            throw .failed("cannot rename \(fresh): \(error)")
        }
    }

    /// Starts the server and waits until it takes connections; nil if the port is taken.
    private static func launch(
        _ command: [String], _ environment: [String: String], port: Int, at place: ServerDirectory
    ) async throws(TestingError) -> ChildProcess? {
        let end = ContinuousClock.now + startLimit
        while true {
            let process = try await ChildProcess.start(
                command + ["-c", "port=\(port)"], environment: environment, directory: "/",
                log: place.log,
                scratch: place.isTemporary ? place.path : nil, lastSignal: "QUIT")
            let data = place.path + "/data"
            try await eventually(within: startLimit, "PostgreSQL takes connections") {
                process.exit != nil || isReady(pid: process.pid, data: data)
            }
            if process.exit == nil { return process }
            let words = place.lastWords
            if words.contains("could not bind") { return nil }
            // A predecessor that was killed a moment ago may not be quite gone.
            let isHeld = words.contains("postmaster.pid") || words.contains("shared memory block")
            guard isHeld, ContinuousClock.now < end, !Task.isCancelled else {
                throw .failed("PostgreSQL in \(place.path) did not start: \(words)")
            }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { continue }
        }
    }

    /// Reads what the postmaster itself writes down, as `pg_ctl -w` does.
    private static func isReady(pid: Int32, data: String) -> Bool {
        guard let file = FileManager.default.contents(atPath: data + "/postmaster.pid") else {
            return false
        }
        let lines = String(decoding: file, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        return lines.count > 7 && lines[0] == "\(pid)"
            && (lines[7].hasPrefix("ready") || lines[7].hasPrefix("standby"))
    }
}
