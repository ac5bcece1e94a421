import Testing

@testable import Tasq

@Suite struct RemoteRowsTests {
    private let worker = WorkerID()

    @Test func `One request at a time has the worker's own row, and none shares one`() {
        var rows = RemoteRows()
        let first = rows.begin(for: worker)
        #expect(first.row == worker && !first.stands)
        rows.note(first.row)
        let second = rows.begin(for: worker)
        #expect(second.row != worker && !second.stands)
        #expect(second.row.family == worker.family)
        rows.note(second.row)
        rows.keep(second.row, of: worker, isFree: true)
        let third = rows.begin(for: worker)
        #expect(third.row == second.row && third.stands)
        #expect(rows.begin(for: worker).row != second.row)
        rows.end(for: worker)
        let next = rows.begin(for: worker)
        #expect(next.row == worker && next.stands)
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
