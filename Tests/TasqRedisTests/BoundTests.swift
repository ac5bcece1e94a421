import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqRedis

/// Lists that nobody takes from.
@Suite(.medium) struct BoundTests {
    private static let bound = 160

    @Test func `A list is cut to its oldest ids, without a command more for every push`()
        async throws
    {
        let redis = try await PrivateRedis.start()
        let bell = try Doorbell(redis.url, idsPerList: Self.bound)
        let jobs = Announcement.new(Self.bound * 4)
        for job in jobs { try await bell.announce([job]) }
        try await isBounded(bell, [.defaultQueue])
        #expect(try await redis.calls(of: "ltrim") <= 3 * Self.bound / (Self.bound / 16) + 1)
        let left = try await bell.drain()
        let kept = Self.bound - Self.bound / 16
        #expect(left.prefix(kept) == jobs.prefix(kept).map(\.id)[...])
        #expect(bell.announcer.counts.trimmed == jobs.count - left.count)
        #expect(bell.announcer.counts.announced == jobs.count)
        #expect(bell.announcer.metrics.contains { $0.name == "tasq_trimmed_ids_total" })
    }

    @Test func `Several who announce at once, many at a time, keep the bound too`() async throws {
        let redis = try await PrivateRedis.start()
        let prefix = "t" + JobID().description
        let bells = try (0..<4).map { _ in
            try Doorbell(redis.url, prefix: prefix, idsPerList: Self.bound)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for bell in bells {
                group.addTask {
                    for _ in 0..<20 { try await bell.announce(Announcement.new(30)) }
                }
            }
            try await group.waitForAll()
        }
        try await isBounded(bells[0], [.defaultQueue])
        let left = try await bells[0].drain().count
        try await eventually("every id is on the list or counted") {
            bells.map(\.announcer.counts.trimmed).reduce(0, +) == 4 * 20 * 30 - left
        }
    }

    @Test func `Each list of a cluster is cut where it is`() async throws {
        let (whole, cluster) = try await Doorbell.sharedByCluster()
        let queues = try whole.queues(of: cluster)
        let bell = try Doorbell(cluster.url, prefix: whole.prefix, idsPerList: Self.bound)
        let jobs = (0..<3 * Self.bound + 30).map { Announcement.new(queues[$0 % 3]) }
        try await bell.announce(jobs)
        try await isBounded(bell, queues)
        let left = Set(try await bell.drain(queues))
        let kept = 3 * (Self.bound - Self.bound / 16)
        #expect(left == Set(jobs.prefix(kept).map(\.id)))
        #expect(bell.announcer.counts.trimmed == jobs.count - kept)
    }

    @Test func `One that cannot be cut is told once, and announcements go on`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--rename-command", "LTRIM", ""])
        let bell = try Doorbell(redis.url, idsPerList: 1)
        for _ in 0..<20 { try await bell.announce([.new()]) }
        try await eventually("it is told") {
            bell.log.lines(at: .warning, containing: "(trimming)").count == 1
        }
        #expect(bell.announcer.counts.announced == 20)
        #expect(bell.announcer.counts.trimmed == 0)
    }

    @Test(arguments: ["new", "old", "cluster"])
    func `A withdrawal takes what it names and leaves the rest in its place`(
        _ kind: String
    ) async throws {
        let old = kind == "old" ? try await PrivateRedis.start(arguments: Doorbell.old) : nil
        let bell =
            if let old {
                try Doorbell(old.url)
            } else if kind == "cluster" {
                try await Doorbell.sharedByCluster().0
            } else {
                try await Doorbell.shared().0
            }
        let jobs = Announcement.new(10)
        // The third job's id stands there twice; the one that is taken first goes.
        try await bell.announce(jobs + [jobs[2]])
        let gone = [0, 2, 3, 7].map { jobs[$0].id }
        func withdraw(_ ids: [JobID]) async throws -> Int {
            try await bell.announcer.withdraw(ids, from: .defaultQueue, jobs[0].priority)
        }
        #expect(try await withdraw([]) == 0)
        #expect(try await withdraw(gone) == 4)
        #expect(try await bell.announcer.depths(of: [.defaultQueue]) == [.defaultQueue: 7])
        #expect(try await withdraw([JobID(), JobID()]) == 0)
        #expect(bell.announcer.counts.givenBack == 0, "nothing else ever left the list")
        #expect(try await bell.drain() == [1, 4, 5, 6, 8, 9, 2].map { jobs[$0].id })
        #expect(bell.log.lines(at: .warning).isEmpty)
        await old?.stop()
    }

    /// Waits for cuts that are under way.
    private func isBounded(_ bell: Doorbell, _ queues: [Name]) async throws {
        try await eventually("no list is too long") {
            try await bell.announcer.depths(of: queues).values.allSatisfy { $0 <= Self.bound }
        }
    }
}
