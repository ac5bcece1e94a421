import Logging
import Testing

@testable import Tasq

@Suite struct AttemptTests {
    private struct Broken: Error, CustomStringConvertible { var description: String { "broken" } }

    private struct Greeting: Job {
        static let kind = "greeting"
        var name: String
        func run(_ context: JobContext) async throws {}
    }

    @Test func `A handler that returns is a success`() async {
        #expect(await verdict { _ in } == .success)
    }

    @Test func `Any other error is a retry while attempts last, then an error`() async {
        let first = await verdict(attempt: 1, of: 2) { _ in throw Broken() }
        guard case .retry(_, "broken") = first else { Issue.record("\(first)"); return }
        let last = await verdict(attempt: 2, of: 2) { _ in throw Broken() }
        #expect(last == .error(reason: "broken"))
    }

    @Test func `A thrown outcome is that outcome`() async {
        #expect(
            await verdict { _ in throw Outcome.snooze(for: .seconds(5)) }
                == .snooze(for: .seconds(5)))
        #expect(
            await verdict { _ in throw Outcome.cancel("no more") }
                == .cancelled(reason: "no more"))
        #expect(await verdict { _ in throw Outcome.fail("bad") } == .error(reason: "bad"))
        #expect(
            await verdict { _ in throw Outcome.retry(after: .seconds(-3), "soon") }
                == .retry(after: .zero, reason: "soon"))
        #expect(await verdict { _ in throw Outcome.success } == .success)
    }

    @Test func `What somebody ended is handed back if the worker is told to leave as well`() async {
        func verdict(leaving: Bool, told: Bool) async -> Verdict {
            var table = HandlerTable()
            let leaves = Signal()
            do {
                try table.add(
                    "*",
                    Handler { _ in
                        if told { leaves.raise() }
                        throw EndedFromOutside(.retry(after: .seconds(7), "signal 15"))
                    })
            } catch { Issue.record(error) }
            let attempt = Attempt(
                job: claimedJob(kind: "any"), handlers: table, logger: Logger(label: "test"),
                leaves: leaves)
            return await attempt.run { leaving }
        }
        #expect(await verdict(leaving: true, told: false) == .handedBack)
        #expect(await verdict(leaving: false, told: true) == .handedBack)
        #expect(
            await verdict(leaving: false, told: false)
                == .retry(after: .seconds(7), reason: "signal 15"))
    }

    @Test func `A handler over its time is cancelled and retried`() async {
        let verdict = await verdict(timeout: .milliseconds(10)) { _ in
            await Signal().wait()
            try Task.checkCancellation()
        }
        guard case .retry(_, let reason) = verdict else { Issue.record("\(verdict)"); return }
        #expect(reason.hasPrefix("timed out"))
    }

    @Test func `A payload that does not decode burns no further attempt`() async throws {
        let job = claimedJob(kind: "greeting", payload: #"{"name": 7}"#)
        let attempt = Attempt(
            job: job, handlers: try HandlerTable([Greeting.self]), logger: Logger(label: "test"))
        let verdict = await attempt.run { false }
        #expect(verdict == .error(reason: "the payload does not decode: not a String at name"))
    }

    @Test func `A kind without a handler waits for a worker that has one`() async {
        let attempt = Attempt(
            job: claimedJob(kind: "unknown"), handlers: HandlerTable(),
            logger: Logger(label: "test"))
        #expect(await attempt.run(isLeaving: { false }) == .handedBack)
    }

    @Test func `A body larger than any that is taken is not read, and ends the job`() async throws {
        var table = HandlerTable()
        try table.add("*", Handler { _ in })
        func verdict(_ bytes: Int) async -> Verdict {
            let job = claimedJob(kind: "any", leftOutBytes: bytes)
            return await Attempt(job: job, handlers: table, logger: Logger(label: "test"))
                .run { false }
        }
        #expect(await verdict(JobLimits.eventBytes) == .success)
        guard case .error(let reason) = await verdict(JobLimits.eventBytes + 1) else {
            Issue.record("it was run")
            return
        }
        #expect(reason.contains("33554433 bytes, at most 33554432 are read"), "\(reason)")
    }

    @Test func `The first pattern that matches wins`() throws {
        var table = HandlerTable()
        try table.add("mail.welcome", Handler(timeout: .seconds(1)) { _ in })
        try table.add("mail.*", Handler(timeout: .seconds(2)) { _ in })
        try table.add("*", Handler(timeout: .seconds(3)) { _ in })
        #expect(table.handler(for: try Name("mail.welcome"))?.timeout == .seconds(1))
        #expect(table.handler(for: try Name("mail.bye"))?.timeout == .seconds(2))
        #expect(table.handler(for: try Name("other"))?.timeout == .seconds(3))
        #expect(throws: InvalidInput.self) { try table.add("a b*", Handler { _ in }) }
    }

    private func verdict(
        attempt: Int = 1, of maxAttempts: Int = 3, timeout: Duration? = nil,
        _ run: @escaping @Sendable (JobContext) async throws -> Void
    ) async -> Verdict {
        var table = HandlerTable()
        do { try table.add("*", Handler(timeout: timeout, run: run)) } catch { Issue.record(error) }
        let job = claimedJob(kind: "any", attempt: attempt, of: maxAttempts)
        return await Attempt(job: job, handlers: table, logger: Logger(label: "test"))
            .run { false }
    }
}

private func claimedJob(
    kind: String, attempt: Int = 1, of maxAttempts: Int = 3, payload: String = "{}",
    leftOutBytes: Int? = nil
) -> ClaimedJob {
    ClaimedJob(
        id: JobID(), claim: ClaimToken(), kind: Name(unchecked: kind),
        options: JobOptions(maxAttempts: maxAttempts), attempt: attempt, payloadID: PayloadID(),
        source: nil, payload: Payload(Array(payload.utf8)), leftOutBytes: leftOutBytes,
        waitedMicroseconds: 0)
}
