import FoundationEssentials
import Subprocess
import Synchronization
import SystemPackage
import Tasq
import TasqWebhooks

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a program for each job: the payload on its standard input, its exit code the outcome.
///
/// | exit | outcome |
/// | --- | --- |
/// | 0 | success |
/// | 75 | retry |
/// | 78 | fails for good |
/// | anything else, a signal | retry, with the end of its standard error as the reason |
///
/// Who ends a worker often signals all processes beside it at the same moment. A program that dies of a
/// signal is therefore handed back, without an attempt, when the worker is to leave as well.
///
/// The program is started without a shell, in a process group of its own, with exactly the job's
/// variables, `PATH` and what the configuration lists, and does not outlive this process. A program that cannot be started is retried:
/// it is nearly always a deployment on its way or a worker set up differently, and its jobs must
/// not end in `error` at once for that. SIGPIPE must be ignored in this process.
struct CommandHandler: Sendable {
    let command: CommandAction
    /// The worker's own `PATH`.
    let path: String
    /// Ends the program if this process dies; `nil`: nothing does.
    var guardian: CommandGuard?

    /// How long the group has between SIGTERM and SIGKILL.
    static let patience = Duration.seconds(2)
    /// Bytes of standard error that are kept as the reason: the last ones.
    static let reasonBytes = JobLimits.reasonBytes
    /// Exit codes with a meaning of their own, from `sysexits.h`.
    static let tryAgain: Int32 = 75
    static let failed: Int32 = 78
    /// Exit codes of programs that catch SIGHUP, SIGINT or SIGTERM and end of it all the same: 128 and
    /// the signal's number.
    static let afterSignal: Set<Int32> = [129, 130, 143]

    /// Runs one attempt; throws the ``Outcome`` unless it is success.
    func run(_ context: JobContext) async throws {
        let tail = ErrorTail(limit: Self.reasonBytes)
        let group = Mutex<Int32?>(nil)
        defer { if let leader = group.withLock({ $0 }) { guardian?.leave(leader) } }
        let status: TerminationStatus
        do {
            status = try await launch(for: context, keeping: tail, group: group)
        } catch {
            endGroup(group)
            try Task.checkCancellation()
            throw Outcome.retry(summary(of: error))
        }
        if Task.isCancelled {
            endGroup(group)
            throw CancellationError()
        }
        switch status {
        case .exited(0): return
        case .exited(Self.tryAgain): throw Outcome.retry(tail.reason(after: "exit 75"))
        case .exited(Self.failed): throw Outcome.fail(tail.reason(after: "exit 78"))
        case .exited(let code) where Self.afterSignal.contains(code):
            throw EndedFromOutside(.retry(tail.reason(after: "exit \(code)")))
        case .exited(let code): throw Outcome.retry(tail.reason(after: "exit \(code)"))
        case .signaled(let number):
            throw EndedFromOutside(.retry(tail.reason(after: "signal \(number)")))
        }
    }

    /// What the program may see.
    func environment(for context: JobContext) -> [String: String] {
        let job = context.job
        var own = [
            "PATH": command.environment["PATH"] ?? path,
            "TASQ_JOB_ID": job.id.description,
            "TASQ_JOB_KIND": job.kind.description,
            "TASQ_JOB_ATTEMPT": String(job.attempt),
            "TASQ_CLAIM": job.claim.description,
        ]
        for (name, value) in Self.variables(of: passedOnHeaders(of: job)) { own[name] = value }
        own["TRACEPARENT"] = context.trace?.parent
        own["TRACESTATE"] = context.trace?.state
        return command.environment.merging(own) { $1 }
    }

    /// `TASQ_HEADER_X_GITHUB_EVENT` for `x-github-event`; what came several times is joined as HTTP
    /// joins it. A name with other characters would share a variable with another one and is left out.
    static func variables(of headers: [Payload.Header]) -> [String: String] {
        let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789-".utf8)
        var variables: [String: String] = [:]
        for header in headers where header.name.utf8.allSatisfy(letters.contains) {
            let name = header.name.uppercased().replacing("-", with: "_")
            variables["TASQ_HEADER_" + name, default: ""] +=
                (variables["TASQ_HEADER_" + name] == nil ? "" : ", ") + header.value
        }
        return variables
    }

    private func launch(
        for context: JobContext, keeping tail: ErrorTail, group: borrowing Mutex<Int32?>
    ) async throws -> TerminationStatus {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(
                signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: Self.patience)
        ]
        let words = command.words
        let program = words[0]
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment(for: context) {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(words.dropFirst())), environment: .custom(variables),
            workingDirectory: command.directory.map { FilePath($0) }, platformOptions: options,
            input: .inputWriter, output: .discarded, error: .sequence
        ) { execution in
            group.withLock { $0 = execution.processIdentifier.value }
            guardian?.enter(execution.processIdentifier.value)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    await feed(context.job.payload.body, to: execution.standardInputWriter)
                }
                let reader = BytesOutput.bytes(limit: .max)
                for try await chunk in execution.standardError {
                    tail.append(try reader.output(from: chunk.bytes))
                }
                try await tasks.waitForAll()
            }
        }
        return result.terminationStatus
    }
}

extension CommandHandler {
    /// Ends what a cancelled attempt's program left behind in its group.
    ///
    /// Subprocess signals the group until the program itself is gone; a child of it that outlives
    /// SIGTERM would stay. The group's number is not reused while any member lives.
    private func endGroup(_ group: borrowing Mutex<Int32?>) {
        guard let leader = group.withLock({ $0 }) else { return }
        kill(-leader, SIGKILL)
    }

    /// Why a program could not be run, without its arguments or environment.
    private func summary(of error: any Error) -> String {
        let program = command.words[0]
        guard let error = error as? SubprocessError else {
            return "\(program) could not be run"
        }
        if let file = candidates.first(where: FileManager.default.fileExists(atPath:)) {
            var isDirectory = false
            _ = FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory)
            if isDirectory { return "\(file) is a directory, not a program" }
            guard FileManager.default.isExecutableFile(atPath: file) else {
                return "\(file) is not executable; set its run bit (chmod +x)"
            }
            if error.code == .executableNotFound {
                return "\(file) is there, but the interpreter its first line names was not found"
            }
        } else if error.code == .executableNotFound {
            return "\(program) was not found; install it or correct the command of this handler"
        }
        let cause = error.underlyingError.map { ": \($0)" } ?? ""
        return "\(program) could not be started\(cause)"
    }
}

extension CommandHandler {
    /// The files that the program may be, in the order in which they are tried.
    private var candidates: [String] {
        let program = command.words[0]
        if program.hasPrefix("/") { return [program] }
        if program.contains("/") { return [(command.directory.map { $0 + "/" } ?? "") + program] }
        let path = command.environment["PATH"] ?? path
        return path.split(separator: ":").map { "\($0)/\(program)" }
    }
}

/// Writes the payload; a program that does not read it, or stops reading, is fine.
private func feed(_ body: [UInt8], to input: StandardInputWriter) async {
    do {
        _ = try await input.write(body)
    } catch {}
    do {
        try await input.finish()
    } catch {}
}

/// The last bytes a program wrote on standard error.
final class ErrorTail: Sendable {
    private let limit: Int
    private let bytes = Mutex<[UInt8]>([])

    init(limit: Int) {
        self.limit = limit
    }

    func append(_ more: [UInt8]) {
        bytes.withLock { bytes in
            bytes += more.suffix(limit)
            if bytes.count > limit { bytes.removeFirst(bytes.count - limit) }
        }
    }

    /// What happened and what the program said, within the limit, the end kept.
    func reason(after event: String) -> String {
        let text = bytes.withLock { String(decoding: $0, as: UTF8.self) }.trimmed
        guard !text.isEmpty else { return event }
        var rest = Substring(text)
        while event.utf8.count + 2 + rest.utf8.count > limit { rest.removeFirst() }
        return "\(event): \(rest)"
    }
}
