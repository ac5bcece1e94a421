import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A private Redis on a free loopback port, without persistence unless its arguments say so.
///
/// It never outlives this process, nor this object. Do not call `stop`, `kill` and `restart` of one
/// server concurrently.
public final class PrivateRedis: RedisServer {
    /// The port on 127.0.0.1; the same for ever, whatever stops and starts.
    public let port: Int
    /// Where a saved file and the log are.
    public var directory: String { place.path }

    private let place: ServerDirectory
    private let arguments: [String]
    private let process: Mutex<ChildProcess>

    /// How long the server may take to start, loading included.
    public static let startLimit = Duration.seconds(60).onThisMachine
    /// How long the server may take to stop before it is killed.
    public static let stopLimit = Duration.seconds(30).onThisMachine

    private init(
        port: Int, place: ServerDirectory, arguments: [String], process: ChildProcess
    ) {
        self.port = port
        self.place = place
        self.arguments = arguments
        self.process = Mutex(process)
    }

    deinit {
        if place.isTemporary, process.withLock({ $0.exit != nil }) { place.remove() }
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - port: A port, or nil for any free one.
    ///   - directory: Where its files live and stay. If nil, a temporary directory, which goes when
    ///     this object or this process goes.
    ///   - arguments: More of `redis-server`'s, such as `["--maxmemory", "2mb"]`; they win over
    ///     those set here.
    public static func start(
        port: Int? = nil, in directory: String? = nil, arguments: [String] = []
    ) async throws(TestingError) -> PrivateRedis {
        let place = try await ServerDirectory.make(at: directory, kind: "redis")
        do throws(TestingError) {
            for _ in 0..<(port == nil ? LoopbackPort.tries : 1) {
                let port = port ?? LoopbackPort.candidate()
                if let process = try await launch(port: port, at: place, arguments: arguments) {
                    return PrivateRedis(
                        port: port, place: place, arguments: arguments, process: process)
                }
            }
            throw TestingError.failed(
                port.map { "port \($0) is taken: choose another for Redis" }
                    ?? "no free port after \(LoopbackPort.tries) tries")
        } catch {
            if place.isTemporary { place.remove() }
            throw error
        }
    }

    /// The connection URL.
    public var url: String { "redis://127.0.0.1:\(port)" }

    /// The process id, also after it has ended.
    public var pid: Int32 { process.withLock { $0.pid } }

    /// Whether the process is there.
    public var isRunning: Bool { process.withLock { $0.exit == nil } }

    /// Stops the server and waits for its end; with `save`, `restart()` finds its keys again.
    public func stop(save: Bool = false) async {
        let process = process.withLock { $0 }
        guard process.exit == nil else { return }
        process.signal(SIGCONT)
        do {
            do {
                try await command("SHUTDOWN", save ? "SAVE" : "NOSAVE", "NOW")
            } catch {
                // The answer to SHUTDOWN is the closed connection, which redis-cli calls an error;
                // but a server that wants a password has to be told in another way.
                if "\(error)".contains("NOAUTH") { process.signal(save ? SIGTERM : SIGKILL) }
            }
            _ = try await process.wait(within: Self.stopLimit)
        } catch {
            await kill()
        }
    }

    /// Ends the server with SIGKILL and waits for its end.
    public func kill() async {
        let process = process.withLock { $0 }
        process.signal(SIGKILL)
        do { _ = try await process.wait() } catch {}
    }

    /// Starts the server again on its port, after `stop(save: false)` if it is running.
    public func restart() async throws(TestingError) {
        await stop()
        for _ in 0..<LoopbackPort.tries {
            if let next = try await Self.launch(port: port, at: place, arguments: arguments) {
                process.withLock { $0 = next }
                return
            }
            do { try await Task.sleep(for: .milliseconds(250)) } catch { break }
        }
        throw .failed("port \(port) is taken by somebody else")
    }

    /// Stops the process in its tracks (SIGSTOP): connections stay open and nothing answers.
    public func pause() {
        process.withLock { $0.signal(SIGSTOP) }
    }

    /// Lets a paused process go on (SIGCONT).
    public func resume() {
        process.withLock { $0.signal(SIGCONT) }
    }

    /// Starts the server and waits until it answers; nil if the port is taken.
    private static func launch(
        port: Int, at place: ServerDirectory, arguments: [String]
    ) async throws(TestingError) -> ChildProcess? {
        try await launch(
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--dir", place.path,
                "--save", "", "--appendonly", "no", "--daemonize", "no", "--pidfile", "",
            ] + arguments, at: place, until: "Ready to accept connections")
    }

    /// Starts the program and waits until its log has this line; nil if the port is taken.
    static func launch(
        _ arguments: [String], at place: ServerDirectory, until ready: String
    ) async throws(TestingError) -> ChildProcess? {
        let program = try ProgramSearch.path(
            of: "redis-server", package: "redis-server",
            in: ProgramSearch.searchPath + ["/usr/sbin"])
        try? FileManager.default.removeItem(atPath: place.log)
        let process = try await ChildProcess.start(
            [program] + arguments, log: place.log, scratch: place.isTemporary ? place.path : nil,
            lastSignal: "KILL")
        try await eventually(within: startLimit, "Redis takes connections") {
            process.exit != nil || place.hasWritten(ready)
        }
        if process.exit == nil { return process }
        let words = place.lastWords
        if words.contains("Address already in use") { return nil }
        throw .failed("Redis in \(place.path) did not start: \(words)")
    }
}
