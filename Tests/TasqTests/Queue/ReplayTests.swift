import Testing

@testable import Tasq

/// Which of an event's jobs a replay copies.
struct ReplayTests {
    @Test func `All jobs of the first moment are copied, though they are of one kind`() throws {
        let first = try [job("a", key: "1", at: 1), job("a", key: "2", at: 1), job("b", at: 1)]
        let again = try [job("a", key: "1", at: 2), job("a", key: "2", at: 2), job("b", at: 2)]
        let third = try [job("b", at: 3), job("a", key: "2", at: 3), job("a", key: "1", at: 3)]
        #expect(chosen(first) == first)
        #expect(chosen(first + again + third) == first)
    }

    @Test func `Of later ones those are copied whose like is gone`() throws {
        let left = [try job("b", at: 1)]
        let again = try [job("a", key: "1", at: 2), job("a", key: "2", at: 2), job("b", at: 2)]
        let third = try [job("a", key: "1", at: 3), job("b", at: 3), job("b", queue: "q", at: 3)]
        #expect(chosen(left + again + third) == left + again.prefix(2) + third.suffix(1))
        #expect(chosen([]) == [])
    }

    @Test func `The first moment does not count where it may be cut off`() throws {
        var jobs = [try job("a", key: "2", at: 0)]
        for time in 1...499 {
            jobs.append(try job("a", key: "1", at: Int64(time)))
            jobs.append(try job("a", key: "2", at: Int64(time)))
        }
        #expect(chosen(jobs) == [jobs[0]])
        jobs.append(try job("c", at: 500))
        #expect(jobs.count == 1000)
        #expect(chosen(jobs) == [jobs[1], jobs[2], jobs[999]])
    }

    @Test func `A bulk action gives each job of an event one id, which no other has`() {
        // Some are numbered by hand.
        let numbered = (UInt64(1)...3).map { BulkID(high: 0, low: $0) } + [BulkID(high: 1, low: 1)]
        let bulks = [BulkID(), BulkID()] + numbered
        let events = [PayloadID(), PayloadID(), PayloadID()]
        func ids() -> [JobID] {
            bulks.flatMap { bulk in
                events.flatMap { event in
                    (0..<1000).map { JobID(of: event, at: $0, by: bulk) }
                }
            }
        }
        let first = ids()
        #expect(Set(first).count == 18_000)
        #expect(first == ids(), "whoever tries again has the same")
        // A UUIDv8, and none that could pass for the time of an ordinary job.
        #expect(first.allSatisfy { $0.high & 0xF000 == 0x8000 && $0.low >> 62 == 2 })
        #expect(first.allSatisfy { !$0.growsWithTime })
    }

    /// As the catalog lists them: the newest first.
    private func chosen(_ jobs: [JobRecord]) -> [JobRecord] {
        Array(jobs.reversed()).oneOfEach
    }

    private func job(
        _ kind: String, queue: String = "default", key: String? = nil, at time: Int64
    ) throws -> JobRecord {
        let time = Timestamp(microseconds: time)
        return JobRecord(
            id: JobID(), kind: try Name(kind),
            options: JobOptions(queue: try Name(queue), key: key), status: .queued, attempt: 0,
            crashes: 0, uniqueKey: nil, payloadID: PayloadID(), enqueuedAt: time, runAt: time,
            claimedAt: nil, finishedAt: nil, worker: nil, reason: nil)
    }
}
