import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A private pgbouncer in transaction mode before a private PostgreSQL.
///
/// As root it runs as the server's user, because pgbouncer refuses root. It never outlives this
/// process, nor this object.
package final class PrivatePooler: Sendable {
    /// The port on 127.0.0.1; the same for ever, whatever stops and starts.
    package let port: Int
    private let place: ServerDirectory
    private let command: [String]
    private let process: Mutex<ChildProcess>

    /// How long it may take to start.
    package static let startLimit = Duration.seconds(30).onThisMachine

    private init(port: Int, place: ServerDirectory, command: [String], process: ChildProcess) {
        self.port = port
        self.place = place
        self.command = command
        self.process = Mutex(process)
    }

    deinit {
        if process.withLock({ $0.exit != nil }) { place.remove() }
    }

    /// Starts one and waits until it takes connections.
    ///
    /// - Parameters:
    ///   - server: Where it leads to.
    ///   - poolSize: Server connections for each database and user.
    ///   - users: Who may connect; nobody is asked for a password.
    package static func start(
        before server: PrivatePostgres, poolSize: Int, users: [String] = ["postgres"]
    ) async throws(TestingError) -> PrivatePooler {
        guard let program = ChildProcess.find("pgbouncer") else {
            throw .missing("pgbouncer not found: apt-get install pgbouncer")
        }
        let programs = try PostgresPrograms.find()
        let place = try await ServerDirectory.make(
            at: nil, kind: "pgbouncer", owner: programs.owner, asOwner: programs.asOwner)
        try write(
            (users + ["postgres"]).map { "\"\($0)\" \"\"\n" }.joined(), to: place.path + "/users")
        for _ in 0..<LoopbackPort.tries {
            let port = LoopbackPort.candidate()
            let file = place.path + "/pgbouncer.ini"
            let text = """
                [databases]
                * = host=127.0.0.1 port=\(server.port)
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = \(port)
                unix_socket_dir =
                auth_type = trust
                auth_file = \(place.path)/users
                admin_users = postgres
                pool_mode = transaction
                default_pool_size = \(poolSize)
                max_client_conn = 1000
                server_login_retry = 1
                """
            try write(text, to: file)
            let command = programs.asOwner + [program, file]
            if let process = try await launch(command, at: place) {
                return PrivatePooler(port: port, place: place, command: command, process: process)
            }
        }
        throw .failed("no free port after \(LoopbackPort.tries) tries")
    }

    /// A file that the server's user can read.
    private static func write(_ text: String, to path: String) throws(TestingError) {
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o644])
        else { throw .failed("cannot write \(path)") }
    }

    /// The connection URI of one of the databases behind it.
    package func url(database: String) -> String {
        "postgres://postgres@127.0.0.1:\(port)/\(database)"
    }

    /// Ends it with SIGKILL and starts it again on its port.
    package func crashAndRestart() async throws(TestingError) {
        let old = process.withLock { $0 }
        old.signal(SIGKILL)
        do { _ = try await old.wait() } catch {}
        for _ in 0..<LoopbackPort.tries {
            if let next = try await Self.launch(command, at: place) {
                process.withLock { $0 = next }
                return
            }
            do { try await Task.sleep(for: .milliseconds(250)) } catch { break }
        }
        throw .failed("port \(port) is taken by somebody else")
    }

    /// Ends it and waits for its end.
    package func stop() async {
        let process = process.withLock { $0 }
        process.signal(SIGTERM)
        do { _ = try await process.wait() } catch {}
    }

    /// Runs a command of its console, as in `PAUSE`.
    package func command(_ words: String) async throws(TestingError) {
        try await ChildProcess.run(
            [
                try PostgresPrograms.psql(), "-XqAt", "-d",
                url(database: "pgbouncer"), "-c", words,
            ], directory: "/")
    }

    /// Starts it and waits until it listens; nil if the port is taken.
    private static func launch(
        _ command: [String], at place: ServerDirectory
    ) async throws(TestingError) -> ChildProcess? {
        try? FileManager.default.removeItem(atPath: place.log)
        let process = try await ChildProcess.start(
            command, directory: "/", log: place.log, scratch: place.path, lastSignal: "KILL")
        try await eventually(within: startLimit, "pgbouncer takes connections") {
            process.exit != nil || place.hasWritten("process up")
        }
        if process.exit == nil { return process }
        let words = place.lastWords
        if words.contains("in use") { return nil }
        throw .failed("pgbouncer did not start: \(words)")
    }
}
