import Logging
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqChaos

/// The suite with a known mistake put back must find it, and must find nothing on the same stage
/// without it. Minutes each, so they run when `TASQ_TEST_LONG` is set.
@Suite(.serialized, .enabled(if: FaultTests.areAskedFor), .large(limit: .seconds(600)))
struct ControlTests {
    @Test(arguments: Control.all)
    func `A mistake put back is found, and nothing where it is not`(control: Control) async throws {
        // It shows when two transactions meet at the wrong moment, which one run may miss.
        for seed in 1...4 {
            let run = try await control.run(seed: seed)
            guard control.shows(in: run.report) else { continue }
            #expect(run.exit == .code(1))
            let twin = try await control.run(seed: seed, "--unedited")
            #expect(twin.report.faults == [], "\(twin.text)")
            #expect(!control.shows(in: twin.report), "\(twin.text)")
            return
        }
        Issue.record("four runs did not find \(control.mistake.rawValue)")
    }
}

/// A mistake that no longer fits would be no mistake.
struct MistakeTests {
    @Test(arguments: Mistake.allCases)
    func `A mistake is in every statement that it names`(mistake: Mistake) async throws {
        var changed: Set<String> = []
        let store = PostgresStore(
            try PostgresSettings(url: "postgres://app@127.0.0.1:5432/nowhere"),
            logger: Logger(label: "mistakes") { _ in SwiftLogNoOpLogHandler() },
            editing: { statement in
                let edited = mistake.edit(statement)
                if edited.text != statement.text { changed.insert(statement.name) }
                return edited
            })
        await store.close()
        #expect(changed == mistake.statements)
        #expect(!changed.isEmpty)
    }

    @Test func `Where all lead, the statement that gives the term is another, and no other is`()
        async throws
    {
        var changed: Set<String> = []
        let store = PostgresStore(
            try PostgresSettings(url: "postgres://app@127.0.0.1:5432/nowhere"),
            logger: Logger(label: "leaders") { _ in SwiftLogNoOpLogHandler() },
            editing: { statement in
                let edited = SharedTerm.edit(statement)
                if edited.text != statement.text { changed.insert(statement.name) }
                return edited
            })
        await store.close()
        #expect(changed == [SharedTerm.statement])
    }

    @Test func `Every mistake has a control`() {
        #expect(Set(Control.all.map(\.mistake)) == Set(Mistake.allCases))
    }
}

/// A mistake, the fault under which it shows, and how.
struct Control: Sendable, CustomTestStringConvertible {
    let mistake: Mistake
    let fault: String
    let invariant: String
    var options = ["--jobs", "600"]
    /// What is seen of this mistake beside the invariant, so that nothing else is taken for it.
    var evidence: @Sendable (ChaosRun.Report) -> Bool = { _ in true }

    var testDescription: String { mistake.rawValue }

    static let all = [
        Control(mistake: .naiveClaim, fault: "redis-duplicate-hints", invariant: "I5"),
        Control(mistake: .attemptReadAgain, fault: "reap-storm", invariant: "I7"),
        Control(
            mistake: .claimFirstSettle, fault: "reap-storm", invariant: "I20",
            evidence: { $0.examples("I20").contains { $0.hasPrefix("deadlocks: ") } }),
        // With one worker it is always the same one that takes a job anew.
        Control(
            mistake: .workerFence, fault: "reap-storm", invariant: "I4",
            options: ["--jobs", "600", "--rate", "100", "--workers", "1"]),
        Control(
            mistake: .watermarkScan, fault: "redis-lose-hints", invariant: "I1",
            evidence: { $0.figures["lost ids all run after"].map { $0 >= 9e9 } ?? false }),
        Control(
            mistake: .countedOnFailure, fault: "poison", invariant: "I8",
            evidence: { $0.examples("I8").contains { Control.runs(of: $0) > 3 } }),
    ]

    /// As in `ID: 7 runs of a job that kills, left queued`.
    private static func runs(of example: String) -> Int {
        guard example.contains(" runs of a job that kills") else { return 0 }
        return example.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    func run(seed: Int, _ more: String...) async throws -> ChaosRun {
        try await ChaosRun.of(
            [fault], seed: seed, options: ["--mistake", mistake.rawValue] + options + more)
    }

    func shows(in report: ChaosRun.Report) -> Bool {
        report.count(invariant) > 0 && evidence(report)
    }
}
