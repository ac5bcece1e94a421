import Tasq
import TasqTesting
import Testing

private struct Parcel: Job {
    static let kind = "parcel"
    static let maxAttempts = 3
    static let retry = RetryPolicy(base: .seconds(10), jitter: 0)
    var weight: Int

    func run(_ context: JobContext) async throws {
        switch weight {
        case ..<0: throw Outcome.fail("lighter than air")
        case 1: return
        case 2: throw Outcome.snooze(for: .seconds(7))
        default: throw TestingError.failed("attempt \(context.job.attempt)")
        }
    }
}

/// Goes on until its time is up.
private struct Piano: Job {
    static let kind = "piano"
    static let timeout: Duration? = .milliseconds(20)

    func run(_ context: JobContext) async throws {
        try await Task.sleep(for: .seconds(3600))
    }
}

@Suite struct RunInlineTests {
    @Test func `The outcome of an attempt is the one that would be written`() async throws {
        #expect(try await Parcel(weight: 1).runInline() == .success)
        #expect(try await Parcel(weight: -1).runInline() == .fail("lighter than air"))
        #expect(try await Parcel(weight: 2).runInline() == .snooze(for: .seconds(7)))
        #expect(
            try await Parcel(weight: 3).runInline() == .retry(after: .seconds(10), "attempt 1"))
        #expect(try await Parcel(weight: 3).runInline(attempt: 3) == .fail("attempt 3"))
        guard case .retry(_, let reason) = try await Piano().runInline() else {
            Issue.record("it did not time out")
            return
        }
        #expect(reason.hasPrefix("timed out"))
    }

    @Test func `A kind goes to the handler of its table, and none is an error`() async throws {
        var table = HandlerTable()
        try table.add(
            "hook.*",
            Handler { context in
                throw Outcome.cancel(context.header("X-Topic") ?? "no topic")
            })
        let handlers = table
        let headers = [Payload.Header(name: "x-topic", value: "orders")]
        let hook = try NewJob(kind: Name("hook.shop"), payload: Payload([], headers: headers))
        #expect(try await handlers.runInline(hook) == .cancel("orders"))
        let other = try NewJob(kind: Name("other"), payload: Payload([]))
        await #expect(throws: TestingError.self) { () async throws in
            _ = try await handlers.runInline(other)
        }
        let broken = try NewJob(kind: Name("parcel"), payload: Payload(Array("{}".utf8)))
        #expect(
            try await HandlerTable([Parcel.self]).runInline(broken)
                == .fail("the payload does not decode: `weight` is missing"))
    }

    @Test func `A context is made of a job and says what a claim says`() throws {
        let job = try NewJob(Parcel(weight: 1), key: "customer-7", maxAttempts: 9)
        let context = JobContext(testing: job, attempt: 2, crashes: 1, source: try Name("shop"))
        #expect(context.job.id == job.id && context.job.kind.description == "parcel")
        #expect(context.job.attempt == 2 && context.job.maxAttempts == 9)
        #expect(context.job.crashes == 1 && context.job.key == "customer-7")
        #expect(context.job.source?.description == "shop")
        #expect(context.job.payload.body == Array(#"{"weight":1}"#.utf8))
        #expect(context.job.claim != JobContext(testing: job).job.claim)
    }
}
