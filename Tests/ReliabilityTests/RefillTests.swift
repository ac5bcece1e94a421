import Logging
import Synchronization
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import Tasq

/// A doorbell that has no room for all that is to be announced again.
@Suite(.medium) struct RefillTests {
    private let queues = ["a", "b"].map { Name(unchecked: $0) }

    /// With six hundred jobs on each of two queues.
    private func withJobs(
        _ body: (PostgresStore, WarningLog, Set<JobID>) async throws -> Void
    ) async throws {
        try await TestDatabase.with(migrate: migrated) { database in
            let log = WarningLog()
            let store = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: log.logger)
            do {
                var ids: Set<JobID> = []
                for queue in queues {
                    let jobs = try (0..<600).map { _ in
                        try NewJob(kind: Name("noop"), queue: queue, payload: Payload([]))
                    }
                    ids.formUnion(try await store.enqueue(jobs).map(\.id))
                }
                try await body(store, log, ids)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    @Test(arguments: [true, false])
    func `One that is interrupted goes on where it stopped, and empties no list again`(
        isOfAll: Bool
    ) async throws {
        try await withJobs { store, log, ids in
            let announcer = FullAnnouncer()
            let reconciler = Reconciler(
                store: store, announcer: announcer, meters: Meters(), logger: log.logger)
            var rest: Refill? = Refill(
                what: isOfAll ? .everything : .queues(Set(queues)), keepsLists: false,
                isOfLoss: true)
            var interruptions = 0
            while let refill = rest, interruptions < 20 {
                do throws(Reconciler.Interruption) {
                    announcer.makeRoom(for: 400)
                    try await reconciler.reannounce(refill)
                    rest = nil
                } catch {
                    interruptions += 1
                    rest = error.rest
                }
            }
            #expect(interruptions > 0 && rest == nil)
            let refilled = announcer.refilled
            #expect(refilled.count == ids.count && Set(refilled) == ids)
            #expect(announcer.cleared.sorted() == queues)
        }
    }

    @Test func `What is lost meanwhile is announced from the beginning`() {
        let place = Refill.Place(cursor: nil, isCleared: true)
        let places = [queues[0]: place, queues[1]: place]
        var older = Refill(what: .queues(Set(queues)), keepsLists: true, isOfLoss: false)
        older.places = places
        let newer = Refill(what: .queues([queues[0]]), keepsLists: false, isOfLoss: true)
        let both = newer.joined(with: older)
        #expect(both.what == .queues(Set(queues)) && both.keepsLists && both.isOfLoss)
        #expect(both.places == [queues[1]: place])
        older.what = .everything
        older.place = place
        #expect(newer.joined(with: older).what == .everything)
        #expect(newer.joined(with: older).place == Refill.Place())
    }

    @Test func `A queue that is refused keeps no other queue waiting, and its place`() {
        let place = Refill.Place(cursor: nil, isCleared: true)
        var interrupted = Refill(what: .queues([queues[0]]), keepsLists: false, isOfLoss: true)
        interrupted.places = [queues[0]: place]
        var forgotten: Refill? = Refill(
            what: .queues(Set(queues)), keepsLists: false, isOfLoss: false)
        let next = Refill.next(after: interrupted, of: &forgotten)
        #expect(next?.what == .queues(Set(queues)) && next?.places == [queues[0]: place])
        // What could not be announced on it meanwhile is left for later.
        #expect(forgotten?.what == .queues([queues[0]]))

        forgotten?.what = .queues([queues[1]])
        _ = Refill.next(after: interrupted, of: &forgotten)
        #expect(forgotten == nil)
        let later = Refill.next(after: interrupted, of: &forgotten)
        #expect(later?.what == interrupted.what && later?.places == interrupted.places)
        #expect(Refill.next(after: nil, of: &forgotten) == nil)
    }

    @Test(arguments: [true, false])
    func `What is of all is not begun anew, unless something is gone`(isOfLoss: Bool) {
        var interrupted = Refill(what: .everything, keepsLists: false, isOfLoss: false)
        interrupted.place.isCleared = true
        var forgotten: Refill? = Refill(
            what: .queues([queues[0]]), keepsLists: false, isOfLoss: isOfLoss)
        let next = Refill.next(after: interrupted, of: &forgotten)
        #expect(next?.what == .everything && next?.place.isCleared == !isOfLoss)
        #expect((forgotten == nil) == isOfLoss)
    }

    @Test func `A doorbell that refuses is told of once, and its lists are emptied once`()
        async throws
    {
        try await withJobs { store, log, ids in
            let announcer = FullAnnouncer()
            let meters = Meters()
            let doorbell = Doorbell(announcer, meters: meters)
            let id = WorkerID()
            let maintenance = Maintenance(
                store: store, doorbell: doorbell,
                promoter: Promoter(
                    store: store, doorbell: doorbell, meters: meters, logger: log.logger),
                meters: meters, logger: log.logger, holder: { id })
            let running = Task { await maintenance.run() }
            let result = await result {
                try await eventually("it has refused three times") { announcer.refusals >= 3 }
                #expect(announcer.cleared == [queues[0]])
                announcer.makeRoom(for: 10_000)
                try await eventually("all are announced") {
                    Set(announcer.refilled) == ids
                }
            }
            running.cancel()
            await running.value
            try result.get()
            #expect(announcer.cleared == queues)
            let told = log.lines.filter { $0.contains("could not announce all jobs") }
            #expect(told.count == 1, "\(log.lines)")
        }
    }
}

/// Takes only what there is room for, and has forgotten all that was before.
private final class FullAnnouncer: Announcer {
    private struct State {
        var room = 0
        var mark: String?
        var cleared: [Name] = []
        var refilled: [JobID] = []
        var refusals = 0
    }

    private let state = Mutex(State())

    var cleared: [Name] { state.withLock { $0.cleared } }
    var refilled: [JobID] { state.withLock { $0.refilled } }
    var refusals: Int { state.withLock { $0.refusals } }

    func makeRoom(for count: Int) {
        state.withLock { $0.room += count }
    }

    var rings: Bool { true }
    var prefix: String { "test" }
    var metrics: [Metric] { [] }

    func clear(_ queues: [Name]) async throws(AnnouncerError) {
        state.withLock { $0.cleared += queues }
    }

    func refill(_ jobs: [Announcement]) async throws(AnnouncerError) {
        let fits = state.withLock { state in
            guard jobs.count <= state.room else {
                state.refusals += 1
                return false
            }
            state.room -= jobs.count
            state.refilled += jobs.map(\.id)
            return true
        }
        if !fits { throw AnnouncerError("test: full") }
    }

    func exchangeEpoch(
        _ mark: String, beside queues: [Name]
    ) async throws(AnnouncerError) -> EpochMarks {
        let old = state.withLock { state in
            defer { state.mark = mark }
            return state.mark
        }
        return .whole(old)
    }

    func announce(_ jobs: [Announcement]) async {}
    func take(
        upTo limit: Int, from queues: [Name], wait: Duration
    ) async throws(AnnouncerError) -> [JobID] {
        []
    }
    func withdraw(
        _ ids: [JobID], from queue: Name, _ priority: Priority
    ) async throws(AnnouncerError) -> Int {
        0
    }
    func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int] { [:] }
    func announcedQueues() async throws(AnnouncerError) -> [Name] { [] }
    func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String] { [] }
    func close() async {}
}
