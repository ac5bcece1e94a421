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
    private let isAlone: Bool
    private let limit: Duration

    fileprivate init(isAlone: Bool, limit: Duration) {
        self.isAlone = isAlone
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
        try await Turnstile.forTests.pass(alone: isAlone) {
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
    public static func medium(limit: Duration) -> Size { Size(isAlone: false, limit: limit) }

    /// Needs the machine for itself: it runs a whole system, measures, or computes for long.
    public static var large: Size { large(limit: .seconds(300)) }

    /// As ``large``, with another limit.
    public static func large(limit: Duration) -> Size { Size(isAlone: true, limit: limit) }
}
