import Testing

@testable import Tasq

@Suite struct RemoteStandingsTests {
    /// As clients make them: versions 4 and 7.
    private static let owners = [
        "0b1d7a52-3c4e-4f60-9a8b-1c2d3e4f5a6b", "019ab3c4-5d6e-7f80-9123-456789abcdef",
    ]

    private func standing(
        _ id: WorkerID, version: String = WorkerRecord.remoteVersion,
        queues: [Name] = [.defaultQueue], slots: Int = 1, since start: Int64 = 0,
        seen: Int64 = 0, executing: Int = 0
    ) -> WorkerStanding {
        WorkerStanding(
            worker: WorkerRecord(
                id: id, host: "h", processID: 0, queues: queues, concurrency: slots,
                version: version, heartbeat: .seconds(5), lease: .seconds(15)),
            startedAt: Timestamp(microseconds: start), seenAt: Timestamp(microseconds: seen),
            executing: executing)
    }

    @Test(arguments: owners)
    func `The id of a further row shows whose it is, and is like no other`(text: String) throws {
        let own = try #require(WorkerID(text))
        let more = (0..<100).map { _ in own.oneMore() }
        #expect(Set(more).count == 100 && !more.contains(own))
        #expect(more.allSatisfy { $0.family == own.family && $0.isOneMore })
        #expect(!own.isOneMore)
        #expect(more.allSatisfy { $0.description.hasPrefix(text.prefix(14) + "8") })
        #expect(more[0].oneMore().family == own.family)
    }

    @Test(arguments: owners)
    func `One worker is one of the list, whatever it claims`(text: String) throws {
        let own = try #require(WorkerID(text))
        let queue = try Name("mail")
        var rows = [
            standing(own.oneMore(), slots: 3, since: 1, seen: 9, executing: 3),
            standing(own, queues: [queue], slots: 8, since: 2, seen: 7, executing: 1),
        ]
        for _ in 0..<13 { rows.append(standing(own.oneMore(), slots: 2, since: 3)) }
        let workers = rows.oneOfEachWorker
        #expect(
            workers == [
                standing(
                    own, queues: [queue, .defaultQueue], slots: 8, since: 1, seen: 9, executing: 4)
            ])
    }

    @Test(arguments: owners)
    func `The id of a further row leads to its worker, and to nobody else`(text: String) throws {
        let (own, local) = (try #require(WorkerID(text)), WorkerID())
        let workers = [standing(local, version: "1.0"), standing(own)]
        #expect(workers.standing(of: own)?.worker.id == own)
        #expect(workers.standing(of: own.oneMore())?.worker.id == own)
        #expect(workers.standing(of: local)?.worker.id == local)
        #expect(workers.standing(of: local.oneMore()) == nil)
        #expect(workers.standing(of: WorkerID()) == nil)
    }

    @Test func `A worker that did not say how much it runs has slots for what it runs`() throws {
        let own = try #require(WorkerID(Self.owners[0]))
        let rows = (0..<5).map { _ in standing(own.oneMore(), executing: 1) }
        let workers = rows.oneOfEachWorker
        #expect(workers.map(\.worker.concurrency) == [5] && workers.map(\.executing) == [5])
        #expect(workers.map(\.worker.id) == [rows[0].worker.id])
    }

    @Test func `Workers whose ids are alike stay apart, and so do those of other sorts`() throws {
        let near = try (1...3).map { number in
            try #require(WorkerID("00000000-0000-0000-0000-00000000000\(number)"))
        }
        #expect(near.map { standing($0) }.oneOfEachWorker.count == 3)
        let own = try #require(WorkerID(Self.owners[1]))
        let others = [standing(own, version: "1.0"), standing(own.oneMore(), version: "1.0")]
        #expect(others.oneOfEachWorker == others)
        #expect((others + [standing(own.oneMore())]).oneOfEachWorker.count == 3)
        #expect([WorkerStanding]().oneOfEachWorker.isEmpty)
    }
}
