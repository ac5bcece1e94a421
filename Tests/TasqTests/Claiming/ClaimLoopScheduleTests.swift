import Foundation
import Testing

@testable import Tasq

/// Schedules of events, drawn by chance: hundreds, and thousands when `TASQ_TEST_LONG` is set, as
/// by `compose/test --long`. A failure names its seed, and `ClaimWorld(_:seed:)` plays it again.
@Suite struct ClaimLoopScheduleTests {
    /// A worker's three ways to find work, and a desk's.
    private static let ways: [FindWork?] = [.pushAndSweep, .push, .poll, nil]
    /// Schedules of each way.
    private static let count: UInt64 =
        ProcessInfo.processInfo.environment["TASQ_TEST_LONG"] == nil ? 100 : 500

    @Test(arguments: ways)
    func `Whatever happens when, a loop keeps what it guarantees and finds every job`(
        findWork: FindWork?
    ) throws {
        let first = UInt64.random(in: 0 ... .max)
        for number in 0..<Self.count {
            let seed = first &+ number
            var world = try ClaimWorld(findWork, seed: seed)
            world.run(actions: 80)
            try #require(world.violations.isEmpty, "seed \(seed): \(world.violations)")
        }
    }

    @Test(arguments: ways)
    func `A loop that has nothing to do does little`(findWork: FindWork?) throws {
        let first = UInt64.random(in: 0 ... .max)
        for number in 0..<Self.count / 20 {
            let seed = first &+ number
            var world = try ClaimWorld(findWork, seed: seed)
            world.run(actions: 80)
            let count = world.idleActions(in: .seconds(60))
            try #require(world.violations.isEmpty, "seed \(seed): \(world.violations)")
            try #require(count < 60 * 100, "seed \(seed): \(count) actions in a minute")
        }
    }
}
