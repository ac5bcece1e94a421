import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqModel

/// The model of `ModelTests` says nothing about PostgreSQL unless it foresees what PostgreSQL does.
///
/// `TASQ_MODEL_SCENES` sets how many scenes each fault gets; a failure names its seed.
@Suite(.system) struct FaithfulnessTests {
    private static let scenes =
        ProcessInfo.processInfo.environment["TASQ_MODEL_SCENES"].flatMap { Int($0) } ?? 60

    private static let faults = Fault.allCases.filter {
        $0 != .reapWithoutToken && $0 != .countedOnFailure
    }

    @Test(arguments: faults)
    func `The model foresees what the real statements do in two sessions`(
        _ fault: Fault
    ) async throws {
        try await withStore { store, database in
            let stage = try await RealStage(store, database)
            let seen = try await Self.rehearse(fault, on: stage)
            await stage.close()
            print("model: \(fault): \(Self.summary(of: seen))")
            switch fault {
            case .none:
                #expect(seen.contains { $0.lockedInVain } && seen.contains { $0.stale })
                #expect(!seen.contains { $0.deadlocked || $0.refused || $0.brokenRule != nil })
            case .naiveClaim:
                #expect(seen.contains { $0.waitedAndInserted } && seen.contains { $0.refused })
            case .claimFirstSettle: #expect(seen.contains { $0.deadlocked })
            case .workerFence: #expect(seen.contains { $0.brokenRule != nil })
            default: break
            }
        }
    }

    private static func rehearse(
        _ fault: Fault, on stage: RealStage
    ) async throws -> [Rehearsal.Coverage] {
        var seen: [Rehearsal.Coverage] = []
        for seed in 0..<UInt64(fault == .none ? 3 * scenes : scenes) {
            let rehearsal = Rehearsal(Scene(seed: seed, fault: fault), on: stage)
            if let wrong = try await rehearsal.play() { Issue.record("\(wrong)") }
            seen.append(rehearsal.coverage)
        }
        return seen
    }

    private static func summary(of seen: [Rehearsal.Coverage]) -> String {
        let counts: [(String, Int)] = [
            ("waited", seen.count { $0.waited }),
            ("waited and inserted", seen.count { $0.waitedAndInserted }),
            ("locked in vain", seen.count { $0.lockedInVain }),
            ("stale", seen.count { $0.stale }), ("refused", seen.count { $0.refused }),
            ("deadlocked", seen.count { $0.deadlocked }),
        ]
        let broken = Set(seen.compactMap(\.brokenRule))
        return "\(seen.count) scenes, \(counts), \(broken)"
    }
}
