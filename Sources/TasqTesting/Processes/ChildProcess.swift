import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A running child process whose output is kept line by line.
///
/// It leads a process group of its own, so Ctrl-C on a terminal does not reach it, and it never
/// outlives this process: when the object goes, or this process dies in whatever way, the child and
/// its group are killed.
package final class ChildProcess: Sendable {
    /// The process id.
    package let pid: Int32
    private let name: String
    private let output: Watched<ChildOutput>
    private let keeper: Keeper

    private init(pid: Int32, name: String, output: Watched<ChildOutput>, keeper: Keeper) {
        self.pid = pid
        self.name = name
        self.output = output
        self.keeper = keeper
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: A path, or a name to be found in `PATH`. One that cannot be run exits with
    ///     127 and says why on standard error.
    ///   - arguments: Its arguments, without the program's name.
    ///   - environment: Added to this process's own environment, from which `DATABASE_URL`,
    ///     `REDIS_URL` and everything that starts with `TASQ_` or `PG` is taken away first.
    ///   - directory: Where it runs; where this process runs, if nil.
    ///   - input: Its whole standard input; empty by default.
    package static func start(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        directory: String? = nil, input: String = ""
    ) async throws(TestingError) -> ChildProcess {
        try await start(
            [executable] + arguments, environment: environment, directory: directory, input: input,
            log: nil, scratch: nil, lastSignal: "KILL")
    }

    /// Starts a program as `start(_:_:environment:directory:input:)` does.
    ///
    /// The output goes to the file `log` if there is one. If the program must not outlive this
    /// process or object, `lastSignal` ends it, and then the directory `scratch` is removed.
    static func start(
        _ words: [String], environment: [String: String] = [:], directory: String? = nil,
        input: String = "", log: String?, scratch: String?, lastSignal: String
    ) async throws(TestingError) -> ChildProcess {
        let name = words.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
        try Turnstile.check(name)
        let output = Watched(ChildOutput())
        let keeper = try Keeper(
            of: words, environment: Self.inherited.merging(environment) { $1 },
            directory: directory, input: input, log: log, scratch: scratch,
            lastSignal: lastSignal, output: output)
        guard let pid = await output.first(within: Self.startLimit, { $0.pid }) else {
            throw .failed("\(name) did not start within \(Self.startLimit)")
        }
        return ChildProcess(pid: pid, name: name, output: output, keeper: keeper)
    }

    /// How long the start of a process may take, however busy the machine is.
    static let startLimit = Duration.seconds(60).onThisMachine

    /// This process's environment without what would lead a child to another database or Redis.
    private static var inherited: [String: String] {
        ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("TASQ_") && !name.hasPrefix("PG")
                && name != "DATABASE_URL" && name != "REDIS_URL"
        }
    }

    /// Whether the process has ended, and how.
    package var exit: Exit? { output.value.exit }

    /// Everything on standard output so far, the newest 16 MiB of it.
    package var standardOutput: String { output.value.text(of: .output) }

    /// Everything on standard error so far, the newest 16 MiB of it.
    package var standardError: String { output.value.text(of: .error) }

    /// The lines of standard output and standard error so far, in the order they were read.
    package var lines: [String] { output.value.lines.map(\.text) }

    /// Waits for the first line, of either stream, that contains the text, from the start on.
    ///
    /// Throws `TestingError.failed` as soon as the process has ended without such a line, and
    /// `TestingError.late` when the time is over; both carry the last lines of the output.
    package func waitForLine(
        containing text: String, within limit: Duration = .seconds(60).onThisMachine
    ) async throws(TestingError) -> String {
        let position = Mutex(0)
        let found = await output.first(within: limit) { output -> LineSearch? in
            if let line = position.withLock({ output.line(containing: text, from: &$0) }) {
                return .line(line)
            }
            return output.exit.map { .ended($0) }
        }
        switch found {
        case .line(let line): return line
        case .ended(let exit):
            throw .failed("\(name) ended (\(exit)) without a line “\(text)”\(output.value.tail)")
        case nil:
            throw .late("\(name): no line “\(text)” within \(limit)\(output.value.tail)")
        }
    }

    private enum LineSearch: Sendable {
        case line(String)
        case ended(Exit)
    }

    /// Waits for the end of the process, all its output included.
    package func wait(within limit: Duration = .seconds(120).onThisMachine)
        async throws(TestingError) -> Exit
    {
        guard let exit = await output.first(within: limit, { $0.exit }) else {
            throw .late("\(name) did not end within \(limit)\(output.value.tail)")
        }
        return exit
    }

    /// Sends a signal to the process alone, not to its group. Does nothing once it has ended.
    package func signal(_ number: Int32) {
        guard exit == nil else { return }
        _ = kill(pid, number)
    }

    /// Runs a program to its end and returns what it wrote on standard output.
    ///
    /// Throws `TestingError.failed` with its standard error unless it exits with 0.
    @discardableResult
    package static func run(
        _ words: [String], directory: String? = nil, input: String = "",
        within limit: Duration = .seconds(120).onThisMachine
    ) async throws(TestingError) -> String {
        let child = try await start(
            words, directory: directory, input: input, log: nil, scratch: nil,
            lastSignal: "KILL")
        let exit = try await child.wait(within: limit)
        guard exit == .code(0) else {
            throw .failed("\(child.name) ended (\(exit))\(child.output.value.tail)")
        }
        return child.standardOutput
    }
}

extension ChildProcess {
    /// The path of a program of this package: what `TASQ_BIN` names for `tasq` and the file beside
    /// that for another, else the file of that name beside the running test bundle or program.
    package static func built(_ name: String) throws(TestingError) -> String {
        let given = ProcessInfo.processInfo.environment["TASQ_BIN"]
        if let given, name == "tasq" { return given }
        let own = given.map { URL(fileURLWithPath: $0) } ?? Bundle.main.executableURL
        let folder = own?.deletingLastPathComponent().path ?? "."
        let path = folder + "/" + name
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw .missing("\(path) not found: swift build --product \(name)")
        }
        return path
    }

    /// The path of a program of this system, from `PATH` or where daemons are; `nil` without one.
    package static func find(_ name: String) -> String? {
        try? ProgramSearch.path(
            of: name, package: "", in: ProgramSearch.searchPath + ["/usr/sbin", "/sbin"])
    }

    /// How a process ended.
    package enum Exit: Sendable, Hashable, CustomStringConvertible {
        /// It exited with this status.
        case code(Int32)
        /// This signal ended it.
        case signal(Int32)

        /// "exit 3" or "signal 9".
        package var description: String {
            switch self {
            case .code(let code): "exit \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }
}
