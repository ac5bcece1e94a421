import Testing

@testable import Tasq

@Suite struct RemoteRowsTests {
    private let worker = WorkerID()

    @Test func `One request at a time has the worker's own row, and none shares one`() {
        var rows = RemoteRows()
        let first = rows.begin(for: worker)
        #expect(first == worker && rows.jobs(under: first) == nil)
        rows.note(first)
        let second = rows.begin(for: worker)
        #expect(second != worker && rows.jobs(under: second) == nil)
        #expect(second.family == worker.family)
        rows.note(second)
        rows.keep(second, of: worker, isFree: true)
        let third = rows.begin(for: worker)
        #expect(third == second && rows.jobs(under: third)?.isEmpty == true)
        #expect(rows.begin(for: worker) != second)
        rows.end(for: worker)
        let next = rows.begin(for: worker)
        #expect(next == worker && rows.jobs(under: next)?.isEmpty == true)
    }

    @Test func `What was claimed under a row is known until it is seen to hold none`() {
        var rows = RemoteRows()
        let jobs = (0..<3).map { _ in JobID() }
        rows.note(jobs, under: worker)
        #expect(rows.jobs(under: worker) == nil)
        rows.note(worker)
        rows.note(Array(jobs.prefix(1)), under: worker)
        rows.note(Array(jobs.dropFirst()), under: worker)
        #expect(rows.jobs(under: worker) == jobs)
        rows.note(worker)
        #expect(rows.jobs(under: worker)?.isEmpty == true)
        rows.forget([worker])
        #expect(rows.jobs(under: worker) == nil)
    }

    @Test func `What may be held under a row that is gone is known until it is entered again`() {
        var rows = RemoteRows()
        let jobs = (0..<3).map { _ in JobID() }
        rows.note(worker)
        rows.note(jobs, under: worker)
        #expect(rows.jobsLeft(under: worker).isEmpty)
        rows.forget([worker])
        rows.forget([worker])
        #expect(rows.jobs(under: worker) == nil && rows.jobsLeft(under: worker) == jobs)
        rows.note(worker)
        rows.forget([worker])
        #expect(rows.jobsLeft(under: worker).isEmpty)
        let gone = (0...RemoteRows.limit).map { _ in WorkerID() }
        for row in gone {
            rows.note(row)
            rows.note(jobs, under: row)
            rows.forget([row])
        }
        #expect(gone.count { rows.jobsLeft(under: $0) == jobs } == RemoteRows.limit)
    }

    @Test func `Of many rows none stays for a long lease, and so many are all there may be`() {
        var rows = RemoteRows()
        let (short, long) = (Duration.seconds(3), Duration.seconds(3600))
        for _ in 0..<RemoteRows.plenty { rows.note(WorkerID()) }
        #expect(rows.patience(for: long) == long)
        rows.note(worker)
        #expect(rows.patience(for: long) == .seconds(15))
        #expect(rows.patience(for: short) == short)
        for _ in rows.all.count..<RemoteRows.limit {
            #expect(!rows.isFull)
            rows.note(WorkerID())
        }
        #expect(rows.isFull)
        rows.forget([worker])
        #expect(!rows.isFull)
    }

    @Test func `Free rows come first, and those that are gone never`() {
        var rows = RemoteRows()
        let all = (0..<3).map { _ in WorkerID() }
        for row in [worker] + all { rows.note(row) }
        rows.keep(all[0], of: worker, isFree: false)
        rows.keep(all[1], of: worker, isFree: true)
        rows.keep(all[2], of: worker, isFree: false)
        rows.keep(worker, of: worker, isFree: true)
        rows.forget([all[0]])
        #expect(rows.spare(of: worker) == all[1])
        #expect(rows.spare(of: worker) == all[2])
        #expect(rows.spare(of: worker) == nil)
        rows.keep(all[0], of: worker, isFree: true)
        #expect(rows.spare(of: worker) == nil)
    }
}
