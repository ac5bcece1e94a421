import Foundation
import TasqTesting
import TestSizes
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.medium) struct ChildProcessTests {
    @Test func `The two streams and the exit status are kept apart`() async throws {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", "echo one; echo two >&2; printf three; exit 7"])
        #expect(try await child.wait() == .code(7))
        #expect(child.standardOutput == "one\nthree")
        #expect(child.standardError == "two")
        #expect(child.exit == .code(7))
    }

    @Test func `A line is seen while the process still runs`() async throws {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", "echo 'listening on 4711'; exec sleep 1000"])
        #expect(try await child.waitForLine(containing: "listening") == "listening on 4711")
        #expect(child.exit == nil)
        child.signal(SIGTERM)
        #expect(try await child.wait() == .signal(SIGTERM))
    }

    @Test func `A process that ends without the line says so with its last words`() async throws {
        let child = try await ChildProcess.start("/bin/sh", ["-c", "echo no luck >&2; exit 3"])
        await #expect {
            try await child.waitForLine(containing: "listening")
        } throws: { error in
            "\(error)".contains("exit 3") && "\(error)".contains("no luck")
        }
    }

    @Test func `A line that does not come in time is an error`() async throws {
        let child = try await ChildProcess.start("/bin/sleep", ["1000"])
        await #expect(throws: TestingError.self) {
            try await child.waitForLine(containing: "never", within: .milliseconds(20))
        }
    }

    @Test func `Input, arguments and environment arrive byte for byte`() async throws {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", #"cat; printf '%s\n' "$1" "$FLAVOUR""#, "sh", "a 'b' \"c\" $d"],
            environment: ["FLAVOUR": "süß"], input: "first\n\nsecond\n")
        #expect(try await child.wait() == .code(0))
        #expect(child.standardOutput == "first\n\nsecond\na 'b' \"c\" $d\nsüß")
    }

    @Test func `What would lead a child to another database is not inherited`() async throws {
        let child = try await ChildProcess.start("env", environment: ["TASQ_LOG_LEVEL": "info"])
        #expect(try await child.wait() == .code(0))
        let names = child.lines.compactMap { $0.split(separator: "=").first }
        #expect(names.contains("PATH"))
        // TASQ_BIN stands in the environment of a test run under compose/test.
        #expect(
            names.filter { $0.hasPrefix("TASQ_") || $0.hasPrefix("PG") || $0.hasSuffix("_URL") }
                == ["TASQ_LOG_LEVEL"])
    }

    @Test func `A program that is not there exits with 127 and is named`() async throws {
        let child = try await ChildProcess.start("/nowhere/tasq")
        #expect(try await child.wait() == .code(127))
        #expect(child.standardError.contains("/nowhere/tasq"))
    }

    @Test func `A program of this package is found beside the test bundle`() throws {
        let own = try #require(Bundle.main.executableURL)
        #expect(try ChildProcess.built(own.lastPathComponent) == own.path)
        #expect(throws: TestingError.self) { try ChildProcess.built("no-such-program") }
    }

    @Test func `The exit is noticed though a grandchild holds the output open`() async throws {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", "sleep 1000 & echo $!; exit 4"])
        #expect(try await child.wait(within: .seconds(60)) == .code(4))
    }

    @Test func `When the object goes, the process and its children go`() async throws {
        let pids = try await ephemeralChildren()
        #expect(pids.count == 2)
        for pid in pids {
            try await eventually("process \(pid) is gone") { isGone(pid) }
        }
    }

    private func ephemeralChildren() async throws -> [Int32] {
        let child = try await ChildProcess.start(
            "/bin/sh", ["-c", "sleep 1000 & echo pids $$ $!; wait"])
        let line = try await child.waitForLine(containing: "pids")
        return line.split(separator: " ").compactMap { Int32($0) }
    }

    @Test func `A stopped process is alive and goes on`() async throws {
        let child = try await ChildProcess.start("/bin/cat", ["/dev/stdin"], input: "")
        #expect(try await child.wait() == .code(0))
        let sleeper = try await ChildProcess.start("/bin/sleep", ["1000"])
        sleeper.signal(SIGSTOP)
        #expect(sleeper.exit == nil)
        sleeper.signal(SIGTERM)
        sleeper.signal(SIGCONT)
        #expect(try await sleeper.wait() == .signal(SIGTERM))
    }

    @Test func `SIGINT is not ignored by a child`() async throws {
        let child = try await ChildProcess.start("/bin/sleep", ["1000"])
        child.signal(SIGINT)
        #expect(try await child.wait() == .signal(SIGINT))
    }

    @Test func `Many processes at once each keep their own output`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<24 {
                group.addTask {
                    let child = try await ChildProcess.start(
                        "/bin/sh", ["-c", "seq 1 500; echo mine \(number)"])
                    #expect(try await child.wait() == .code(0))
                    #expect(child.lines.count == 501)
                    #expect(child.lines.last == "mine \(number)")
                }
            }
            try await group.waitForAll()
        }
    }
}
