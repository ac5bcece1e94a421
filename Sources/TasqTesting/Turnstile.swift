import Foundation
import Synchronization

/// Lets so many bodies run at a time and the others in after them, in the order they came.
///
/// A test runner starts every test at once. Hundreds of them, each with sessions and programs of
/// its own on a few cores, would be slow enough to run into the very deadlines they are about.
final class Turnstile: Sendable {
    /// For the tests that have a database: a few for each core, because most of them wait.
    static let forDatabases = Turnstile(places: 8 * ProcessInfo.processInfo.activeProcessorCount)

    /// Whether this task is inside already; then it has to wait for nobody.
    @TaskLocal private static var isInside = false

    private struct State {
        var places: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(places: Int) {
        state = Mutex(State(places: places))
    }

    /// Runs the body when there is a place for it.
    func pass<Result>(_ body: () async throws -> Result) async throws -> Result {
        guard !Self.isInside else { return try await body() }
        await enter()
        defer { leave() }
        return try await Self.$isInside.withValue(true) { try await body() }
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let mayEnter = state.withLock { state in
                guard state.places == 0 else {
                    state.places -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayEnter { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.places += 1
                return nil as CheckedContinuation<Void, Never>?
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
