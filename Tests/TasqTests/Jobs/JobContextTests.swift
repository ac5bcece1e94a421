import Logging
import Tasq
import Testing

@Suite struct JobContextTests {
    @Test func `A handler asks for a header of the webhook by its name in any case`() throws {
        let headers = [("x-github-event", "push"), ("x-many", "1"), ("x-many", "2")].map {
            Payload.Header(name: $0, value: $1)
        }
        let context = JobContext(
            job: ClaimedJob(
                id: JobID(), claim: ClaimToken(), kind: try Name("a"),
                options: JobOptions(maxAttempts: 1), attempt: 1, payloadID: PayloadID(),
                source: nil, payload: Payload([], headers: headers), waitedMicroseconds: 0),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(context.header("X-GitHub-Event") == "push")
        #expect(context.header("x-many") == "1")
        #expect(context.header("x-other") == nil)
    }
}
