import Testing

@testable import TasqChaos

/// A table of runs of several sittings.
struct TableTests {
    @Test func `Faults stand in the order of the list, and each timing has a row`() {
        let table = Table(runs: [
            .run("redis-kill", seed: 1), .run("calm", seed: 1),
            .run("worker-kill", seed: 1, profile: .defaults), .run("worker-kill", seed: 1),
            .run("calm", seed: 2),
        ])
        let rows = table.markdown.split(separator: "\n").dropFirst(2).map(String.init)
        #expect(rows.count == 4)
        #expect(rows.first?.hasPrefix("| `calm`: nothing is disturbed | 2 | 20020 | 0 |") == true)
        #expect(rows.count { $0.hasPrefix("| `worker-kill`: a worker is killed") } == 2)
        #expect(rows.count { $0.contains("every second (at the defaults) | 1 |") } == 1)
        #expect(rows.last?.hasPrefix("| `redis-kill`: ") == true)
        #expect(table.holds)
        #expect(table.summary.hasPrefix("5 runs of 3 faults, 50050 jobs, "))
        #expect(table.summary.contains("; no run of order, "))
        #expect(!table.summary.contains("calm"))
    }

    @Test func `What a busy machine spoiled may hold in another run, and both are told`() {
        let miss = "healed 14000.0, at most 13000.0 asked for"
        let spoiled = Document.run("worker-flap", seed: 2, misses: [miss], clean: false)
        #expect(!Table(runs: [spoiled]).holds)
        #expect(Table(runs: [spoiled]).markdown.hasSuffix("| seed 2: \(miss) |"))
        let again = Table(runs: [spoiled, .run("worker-flap", seed: 2)])
        #expect(again.holds)
        #expect(again.markdown.hasSuffix("| seed 2: \(miss), and held in another run |"))
        #expect(!Table(runs: [spoiled, .run("worker-flap", seed: 3)]).holds)
        #expect(!Table(runs: [spoiled, .run("worker-kill", seed: 2)]).holds)
    }

    @Test func `What no busy machine can spoil is not made good by another run`() {
        let lost = Document.run("worker-flap", seed: 2, zeroes: ["lost": 1], clean: false)
        let early = Document.run(
            "worker-flap", seed: 2, findings: [Finding(invariant: "I11", count: 1, examples: [])],
            clean: false)
        for run in [lost, early] {
            #expect(!Table(runs: [run, .run("worker-flap", seed: 2)]).holds)
        }
        let table = Table(runs: [lost, .run("worker-flap", seed: 2)]).markdown
        #expect(table.contains("| 2 | 20020 | lost 1 |"))
        let late = Document.run(
            "worker-flap", seed: 2, findings: [Finding(invariant: "I24", count: 1, examples: [])],
            clean: false)
        #expect(Table(runs: [late, .run("worker-flap", seed: 2)]).holds)
    }

    @Test func `A run without a report is told with the reason, and counts as no zero`() {
        let plan = Plan(fault: .calm, seed: 5, jobs: 10_000, workers: 3, profile: .test)
        let table = Table(runs: [Document(plan, error: "no | server\nto be had")])
        #expect(!table.holds)
        #expect(table.markdown.contains("| 1 | 0 |  | 0 |"))
        #expect(table.markdown.hasSuffix("| seed 5: no report: no   server to be had |"))
    }
}
