import FoundationEssentials
import Tasq
import TasqTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process of the fleet and its supervisor: when it ends unasked, it is started again.
actor Member {
    /// What to start.
    struct Program: Sendable {
        var words: [String]
        var environment: [String: String]
        /// What it says when it is ready.
        var readyLine: String
    }

    nonisolated let name: String
    private var program: Program
    private let log: EventLog
    private let output: String
    private var isWanted = true
    private var process: ChildProcess?
    /// For the next start only.
    private var more: [String: String] = [:]
    /// How often it was started.
    private(set) var starts = 0

    /// How long a supervisor waits before it starts a program again.
    static let restartPause = Duration.milliseconds(200)

    /// `output` is the file that gets all that the program says.
    init(name: String, program: Program, log: EventLog, output: String) {
        self.name = name
        self.program = program
        self.log = log
        self.output = output
    }

    /// Runs the program again and again until ``stop(within:)`` or the task is cancelled.
    func run() async {
        while isWanted, !Task.isCancelled {
            do {
                try await runOnce()
            } catch {
                note("\(error)")
            }
            guard isWanted, await sleep(for: Self.restartPause) else { break }
        }
        process = nil
    }

    private func runOnce() async throws {
        let environment = program.environment.merging(more) { $1 }
        let isDoomed = more["TASQ_FAILPOINT"] != nil
        more = [:]
        let child = try await ChildProcess.start(
            program.words[0], Array(program.words.dropFirst()), environment: environment,
            directory: "/")
        starts += 1
        process = child
        log.write(Event(kind: .born, name: name, pid: child.pid))
        // What it is going to die of is as much the suite's doing as a signal.
        if isDoomed {
            log.write(Event(kind: .signalled, name: name, outcome: "FAIL", pid: child.pid))
        }
        // A stop that came while it was being started found no process to stop.
        if !isWanted { child.signal(SIGTERM) }
        let exit = try await child.wait(within: .seconds(86_400))
        log.write(Event(kind: .exit, name: name, outcome: exit.description, pid: child.pid))
        note(child.lines.joined(separator: "\n"))
        process = nil
    }

    var pid: Int32? { process?.pid }

    /// Whether it has said that it is ready since its last start.
    var isReady: Bool { process?.lines.contains { $0.contains(program.readyLine) } ?? false }

    /// The lines it has said since its last start.
    var lines: [String] { process?.lines ?? [] }

    /// Waits until it is ready.
    nonisolated func ready(within limit: Duration = .seconds(60)) async throws {
        try await eventually(within: limit, "\(name) is ready") { await self.isReady }
    }

    /// The address in the first line that begins with the word, as in `admin http://…`.
    func address(_ word: String) -> String? {
        lines.first { $0.hasPrefix(word + " ") }.map { String($0.dropFirst(word.count + 1)) }
    }

    /// Sends a signal and notes it first, so that nothing it causes is older than the note.
    func signal(_ number: Int32, _ name: String) {
        guard let process, process.exit == nil else { return }
        log.write(Event(kind: .signalled, name: self.name, outcome: name, pid: process.pid))
        process.signal(number)
    }

    func kill() { signal(SIGKILL, "KILL") }
    func pause() { signal(SIGSTOP, "STOP") }
    func resume() { signal(SIGCONT, "CONT") }
    func terminate() { signal(SIGTERM, "TERM") }

    /// Gives the next start other variables than the ones before and after it.
    func startNext(with environment: [String: String]) {
        more = environment
    }

    /// Gives this and every later start other words.
    func become(_ program: Program) {
        self.program = program
    }

    /// Ends it as a supervisor would and waits for its end; kills it when that takes too long.
    /// Returns whether it ended by itself.
    @discardableResult
    func stop(within limit: Duration) async -> Bool {
        isWanted = false
        guard let process else { return true }
        process.signal(SIGCONT)
        signal(SIGTERM, "TERM")
        do {
            try await eventually(within: limit, "\(name) has ended") { self.process == nil }
            return true
        } catch {
            process.signal(SIGKILL)
            return false
        }
    }

    /// Adds to its output's file.
    private func note(_ text: String) {
        guard !text.isEmpty else { return }
        let old = FileManager.default.contents(atPath: output) ?? Data()
        _ = FileManager.default.createFile(atPath: output, contents: old + Data((text + "\n").utf8))
    }

    /// Writes down what a process that still runs has said so far.
    func noteOutput() {
        note(lines.joined(separator: "\n"))
    }
}
