import Foundation
import TasqTesting
public import Testing

/// How much of the machine a test takes, and how long it may: `@Suite(.medium)`.
///
/// A test without a size computes, and opens no server, database, program or socket. The others
/// pass the gate that all tests of a process share, and their time begins behind it: a crowd in
/// front of the gate makes nobody late. One that takes longer is told as an issue, and goes on: whoever
/// started the run ends it.
public struct Size: TestTrait, SuiteTrait, TestScoping {
    private let share: Turnstile.Share
    private let limit: Duration

    fileprivate init(_ share: Turnstile.Share, limit: Duration) {
        self.share = share
        self.limit = limit
    }

    /// A suite gives its size to each of its tests.
    public var isRecursive: Bool { true }

    /// Waits at the gate, and runs the test behind it. Called by the test runner, for each case.
    @concurrent
    public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        Turnstile.require()
        if Self.onlySmall { try Test.cancel("has a size, and only those without were asked for") }
        try await Turnstile.forTests.pass(taking: share) {
            let limit = limit.onThisMachine
            let clock = Task {
                try await Task.sleep(for: limit)
                Issue.record("not ended within \(limit)", sourceLocation: test.sourceLocation)
            }
            defer { clock.cancel() }
            try await function()
        }
    }

    /// Whether only tests without a size are to run.
    private static let onlySmall = ProcessInfo.processInfo.environment["TASQ_TEST_QUICK"] != nil
}

extension Trait where Self == Size {
    /// Opens servers, databases or programs, beside a few others that do.
    public static var medium: Size { medium(limit: .seconds(120)) }

    /// As ``medium``, with another limit.
    public static func medium(limit: Duration) -> Size { Size(.place, limit: limit) }

    /// Runs a whole system that waits more than it computes, or computes in one thread: as many at
    /// a time as there are cores.
    public static var system: Size { system(limit: .seconds(300)) }

    /// As ``system``, with another limit.
    public static func system(limit: Duration) -> Size { Size(.core, limit: limit) }

    /// Needs the machine for itself: it fills it, or measures it.
    public static var large: Size { large(limit: .seconds(300)) }

    /// As ``large``, with another limit.
    public static func large(limit: Duration) -> Size { Size(.all, limit: limit) }
}
