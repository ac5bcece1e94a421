import Testing

@testable import Tasq

struct WorkerSettingsTests {
    @Test func `A look names every queue once, and begins with each as often as its weight says`()
        throws
    {
        let shares = try [("rare", 1), ("often", 3), ("mostly", 4)].map { name, weight in
            WorkerSettings.QueueShare(try Name(name), weight: weight)
        }
        let settings = try WorkerSettings(queues: shares)
        let looks = 8000
        var first: [Name: Int] = [:]
        var orders: Set<[Name]> = []
        for _ in 0..<looks {
            let order = settings.drawnQueues()
            orders.insert(order)
            first[order[0], default: 0] += 1
        }
        #expect(orders.allSatisfy { $0.count == 3 && Set($0) == Set(shares.map(\.name)) })
        // Eight standard deviations are 360 at most: chance does not go so far.
        for share in shares {
            let expected = looks * share.weight / 8
            #expect(abs(first[share.name, default: 0] - expected) < 360, "\(first)")
        }
    }

    @Test(arguments: [0, 101]) func `A weight out of its range is refused`(weight: Int) throws {
        let shares = [WorkerSettings.QueueShare(try Name("a"), weight: weight)]
        let error = try #require(throws: InvalidInput.self) {
            try WorkerSettings(queues: shares)
        }
        #expect(error.field == "worker.queues")
    }
}
