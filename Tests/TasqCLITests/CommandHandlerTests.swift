import Foundation
import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.medium) struct CommandHandlerTests {
    init() {
        // As the program does first of all: a child may close its standard input.
        signal(SIGPIPE, SIG_IGN)
    }

    @Test func `The payload is on standard input, byte for byte, and exit 0 is success`()
        async throws
    {
        let copy = try TemporaryFile("", name: "copy")
        let body = Array("{\"a\":\"$(id)\"}".utf8) + [0, 255, 10]
        try await run(["/bin/sh", "-c", "cat > \"$0\"", copy.path], body: body)
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy.path)) == Data(body))
    }

    @Test func `The program sees its job, PATH and what the configuration lists, nothing else`()
        async throws
    {
        let file = try TemporaryFile("", name: "seen")
        let context = try context()
        try await CommandHandler(
            command: .init(
                words: ["/bin/sh", "-c", "env > \"$0\"", file.path],
                environment: ["LISTED": "yes"], directory: nil),
            path: "/usr/bin:/bin"
        ).run(context)
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        // What the shell itself adds.
        let seen = Set(text.split(separator: "\n").map(String.init))
            .filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("_=") && !$0.hasPrefix("SHLVL=") }
        #expect(
            seen == [
                "LISTED=yes", "PATH=/usr/bin:/bin", "TASQ_JOB_ID=\(context.job.id)",
                "TASQ_JOB_KIND=report", "TASQ_JOB_ATTEMPT=3", "TASQ_CLAIM=\(context.job.claim)",
            ])
    }

    @Test(arguments: [
        ("exit 75", Outcome.retry("exit 75")),
        ("exit 78", .fail("exit 78")),
        ("exit 1", .retry("exit 1")),
        ("echo no paper >&2; exit 3", .retry("exit 3: no paper")),
        ("echo never >&2; exit 78", .fail("exit 78: never")),
    ])
    func `The exit decides the outcome`(script: String, expected: Outcome) async throws {
        let outcome = await #expect(throws: Outcome.self) {
            try await run(["/bin/sh", "-c", script])
        }
        #expect(outcome == expected)
    }

    @Test(arguments: [
        ("kill -9 $$", "signal 9"), ("echo out >&2; kill -15 $$", "signal 15: out"),
        ("exit 143", "exit 143"), ("exit 130", "exit 130"),
    ])
    func `Whoever ended the program may end the worker too`(
        script: String, reason: String
    ) async throws {
        let error = await #expect(throws: EndedFromOutside.self) {
            try await run(["/bin/sh", "-c", script])
        }
        #expect(error == EndedFromOutside(.retry(reason)))
    }

    @Test func `A program that does not read a large payload is fine`() async throws {
        let body = [UInt8](repeating: 120, count: JobLimits.payloadBytes)
        try await run(["/bin/true"], body: body)
        try await run(["/bin/sh", "-c", "exec 0<&-; exit 0"], body: body)
        try await run(["/usr/bin/head", "-c", "1"], body: body)
    }

    /// As of a script that starts a service.
    @Test(arguments: [("exit 0", nil as Outcome?), ("echo why >&2; exit 1", .retry("exit 1: why"))])
    func `A child left behind holds nothing up, though it has the program's pipes`(
        ending: String, expected: Outcome?
    ) async throws {
        let file = try TemporaryFile("", name: "child")
        let script = "sleep 60 <&0 & echo $! > \"$0\"; \(ending)"
        let body = [UInt8](repeating: 120, count: JobLimits.payloadBytes)
        var outcome: Outcome?
        do {
            try await run(["/bin/sh", "-c", script, file.path], body: body)
        } catch let error as Outcome {
            outcome = error
        }
        #expect(outcome == expected)
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        let child = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(isAlive(child))
        kill(child, SIGKILL)
    }

    @Test func `Output is drained and the last bytes of standard error are the reason`()
        async throws
    {
        let outcome = await #expect(throws: Outcome.self) {
            try await run([
                "/bin/sh", "-c",
                "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero | tr '\\0' x >&2; "
                    + "echo the end >&2; exit 1",
            ])
        }
        guard case .retry(nil, let reason) = outcome else {
            Issue.record("not a retry: \(String(describing: outcome))")
            return
        }
        #expect(reason.hasPrefix("exit 1: xxx"))
        #expect(reason.hasSuffix("xxxthe end"))
        #expect(reason.utf8.count == JobLimits.reasonBytes)
    }

    @Test(arguments: ["/nowhere/report", "tasq-no-such-program"])
    func `A program that is not there is a retry that names it`(program: String) async throws {
        let outcome = await #expect(throws: Outcome.self) { try await run([program]) }
        guard case .retry(nil, let reason) = outcome else {
            Issue.record("not a retry: \(String(describing: outcome))")
            return
        }
        #expect(reason.contains(program))
    }

    @Test func `A name is found in PATH and no shell reads the arguments`() async throws {
        let outcome = await #expect(throws: Outcome.self) {
            try await run(["sh", "-c", "echo \"$1\" >&2; exit 1", "sh", "$(id); `id` | \"*\""])
        }
        #expect(outcome == .retry("exit 1: $(id); `id` | \"*\""))
    }

    @Test(arguments: ["", "trap '' TERM; "])
    func `A cancelled attempt ends the whole process group, willing or not`(
        beginning: String
    ) async throws {
        let pids = try TemporaryFile("", name: "pids")
        let script =
            beginning + "sleep 600 & echo $$ $! >> \"$0\"; while :; do sleep 600; done"
        let handler = try handler(["/bin/sh", "-c", script, pids.path])
        let context = try context()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await handler.run(context) }
            try await eventually("the program runs") {
                try String(contentsOfFile: pids.path, encoding: .utf8).hasSuffix("\n")
            }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        let numbers = try String(contentsOfFile: pids.path, encoding: .utf8)
            .split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        #expect(numbers.count == 2)
        try await eventually("no process of the group is left") {
            numbers.allSatisfy { !isAlive($0) }
        }
    }

    private func run(_ words: [String], body: [UInt8] = Array("{}".utf8)) async throws {
        try await handler(words).run(context(body: body))
    }

    private func handler(_ words: [String]) throws -> CommandHandler {
        CommandHandler(
            command: .init(words: words, environment: [:], directory: nil),
            path: "/usr/local/bin:/usr/bin:/bin")
    }

    private func context(body: [UInt8] = Array("{}".utf8)) throws -> JobContext {
        JobContext(
            job: ClaimedJob(
                id: JobID(), claim: ClaimToken(), kind: try Name("report"),
                options: JobOptions(), attempt: 3, payloadID: PayloadID(), source: nil,
                payload: Payload(body), waitedMicroseconds: 0), logger: .silent)
    }
}

/// Whether a process runs; one that has ended and waits for its parent does not.
func isAlive(_ pid: Int32) -> Bool {
    guard let status = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else {
        return false
    }
    let text = String(decoding: status, as: UTF8.self)
    return text.split(separator: ")").last?.hasPrefix(" Z") == false
}
