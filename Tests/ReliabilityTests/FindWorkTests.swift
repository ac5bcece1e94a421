import Tasq
import TasqPostgres
import TasqTesting
import Testing

/// The three designs of the note this grew from, run by one body.
@Suite(.serialized) struct FindWorkTests {
    @Test(arguments: FindWork.allCases)
    func `Old jobs and new ones run, however the worker finds them`(mode: FindWork) async throws {
        try await Fleet.with { fleet in
            try await fleet.enqueue(50)
            let worker = try await fleet.worker(slots: 4, ["TASQ_FIND_WORK": mode.rawValue])
            try await fleet.reaches(50, .success)
            try await fleet.enqueue(50)
            try await fleet.reaches(100, .success)
            #expect(fleet.log.count == 100)
            try await fleet.stop([worker])
        }
    }

    @Test func `A job enqueued by SQL is picked up though no program announced it`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker()
            for _ in 0..<5 {
                let id = try #require(
                    JobID(try await fleet.sql("SELECT tasq.enqueue('noop', '{}')")))
                try await eventually("it has run") {
                    try await fleet.store.job(id)?.status == .success
                }
            }
            let waits = try await fleet.sql(
                "SELECT round(extract(epoch FROM claimed_at - enqueued_at) * 1000) FROM tasq.job")
            print("enqueued by SQL, claimed after (ms):", waits.split(separator: "\n"))
            try await fleet.stop([worker])
        }
    }

    @Test func `A delayed job runs when it is due`() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.worker()
            let job = try NewJob(
                kind: Name("run"), start: .after(.milliseconds(700)),
                payload: Payload(Array("{}".utf8)))
            _ = try await fleet.queue.enqueue(job)
            #expect(try await fleet.store.job(job.id)?.status == .scheduled)
            try await fleet.reaches(1, .success)
            #expect(
                try await fleet.number(
                    "SELECT count(*) FROM tasq.job WHERE claimed_at >= run_at") == 1)
            try await fleet.stop([worker])
        }
    }
}
