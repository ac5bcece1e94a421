import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// A job's options through the API, whatever they are.
@Suite(.medium) struct JobOptionTests {
    @Test func `Every option is taken of a job and a schedule, and told of them and of a claim`()
        async throws
    {
        var said = SomeJobOptions()
        for option in JobOption.all {
            let value = option.range.map { JobOption.Value.number($0.lowerBound) }
            try said.set(option, to: value ?? .text("other"))
        }
        let options = said.over(JobOptions())
        let json = String(
            decoding: JSONWriter.object { $0.options(options) }.dropFirst().dropLast(),
            as: UTF8.self)
        try await Stack.with { stack, _ in
            let id = try await stack.enqueue(#"{"kind":"mail",\#(json)}"#)
            let job = try await stack.ask("GET", "/v1/jobs/\(id)")
            #expect(job.text.contains(json), "\(job.text)")
            let claim = try await stack.claim(
                #"{"worker_id":"\#(WorkerID())","queues":["\#(options.queue)"]}"#)
            #expect(claim.text.contains(json), "\(claim.text)")
            let schedule = try await stack.ask(
                "PUT", "/v1/schedules/nightly",
                #"{"cron":"@daily","kind":"mail",\#(json)}"#)
            #expect(schedule.status == 200 && schedule.text.contains(json), "\(schedule.text)")
        }
    }
}
