import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// What callers see, counted on a history made by hand: the good one, with requests that went wrong
/// before, during and after its fault.
@Suite(.medium) struct CallerTests {
    @Test func `What callers were told is counted by how much use it was to them`() async throws {
        let requests = """
            INSERT INTO event (t, p, e, token, out, batch, ms) VALUES
                (1600e6, 'chaos', 'unanswered', 'a', '503', 'a', 20),
                (2000e6, 'chaos', 'unanswered', 'b', '503', 'b', 20),
                (2100e6, 'chaos', 'unanswered', 'c', '503', 'c', 3000),
                (2200e6, 'chaos', 'unanswered', 'd', 'no answer', 'd', 5),
                (2300e6, 'chaos', 'unanswered', 'e', '500', 'e', 5),
                (2400e6, 'chaos', 'refused', 'f1', '422', 'f', NULL),
                (2400e6, 'chaos', 'refused', 'f2', '422', 'f', NULL),
                (1805e6, 'chaos', 'acknowledged', 'g', NULL, 'g', 150),
                (7000e6, 'chaos', 'acknowledged', 'h', NULL, 'h', 900);
            """
        let figures = try await Scratch(server: TestServers.postgres()).withDatabase { history in
            try await history.run(Story.words + Story.good + requests)
            _ = try await history.check()
            return try await history.figures()
        }
        let value = { (name: String) in figures.first { $0.name == name }?.value }
        #expect(value("requests failed") == 5)
        #expect(value("requests failed before") == 1)
        #expect(value("requests without a clear answer") == 3)
        #expect(value("requests refused") == 1)
        #expect(value("enqueue p99 during") == 150)
    }

    @Test func `Callers are asked after wherever a store is away`() {
        func asked(_ fault: Fault) -> Set<String> {
            let plan = Plan(fault: fault, seed: 1, jobs: 10_000, workers: 3, profile: .test)
            return Set(plan.limits.map(\.figure))
        }
        #expect(Fault.all.allSatisfy { asked($0).contains("requests refused") })
        for name in ["redis-kill", "redis-hang", "redis-full", "redis-sentinel", "redis-cluster"] {
            let figures = Fault.named(name).map(asked) ?? []
            #expect(figures.isSuperset(of: ["requests failed", "enqueue p99 during"]), "\(name)")
        }
        for name in ["postgres-restart", "postgres-full", "promotion", "promotion-sync"] {
            let figures = Fault.named(name).map(asked) ?? []
            #expect(figures.contains("requests without a clear answer"), "\(name)")
        }
    }
}
