import Foundation
import Synchronization

/// Lets so many bodies run at a time, and the others in after them, in the order they came.
///
/// A test runner starts every test at once. Hundreds of them, each with servers and programs of its
/// own on a few cores, would be slow enough to run into the very deadlines they are about. Those
/// that want the machine for themselves go last, one after the other.
package final class Turnstile: Sendable {
    /// For all that open a server, a database or a program: a few a core, for most of them wait.
    package static let forTests = Turnstile(
        places: 3 * ProcessInfo.processInfo.activeProcessorCount)

    /// Whether this task is inside already; then it has to wait for nobody.
    @TaskLocal private static var isInside = false

    /// Whether it is a fault to open something outside.
    private static let isRequired = Atomic(false)

    /// From now on everything that a test opens, it opens inside.
    package static func require() { isRequired.store(true, ordering: .relaxed) }

    /// Throws where a test opens something and has not passed.
    static func check(_ thing: String) throws(TestingError) {
        guard !isInside, isRequired.load(ordering: .relaxed) else { return }
        throw .failed(
            "\(thing) is opened by a test without a size: give its suite .medium or .large")
    }

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        var waitingForAll: [CheckedContinuation<Void, Never>] = []
    }

    private let places: Int
    private let state: Mutex<State>

    package init(places: Int) {
        self.places = places
        state = Mutex(State(free: places))
    }

    /// Runs the body when there is a place for it, or, `alone`, when nobody else is inside or waits
    /// for a single place.
    package func pass<Result>(
        alone: Bool = false, _ body: () async throws -> Result
    ) async throws -> Result {
        guard !Self.isInside else { return try await body() }
        let taken = alone ? places : 1
        await enter(alone: alone)
        defer { leave(taken) }
        return try await Self.$isInside.withValue(true) { try await body() }
    }

    private func enter(alone: Bool) async {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state in
                if alone {
                    state.waitingForAll.append(continuation)
                } else {
                    state.waiting.append(continuation)
                }
                return admitted(&state)
            }
            for next in next { next.resume() }
        }
    }

    private func leave(_ taken: Int) {
        let next = state.withLock { state in
            state.free += taken
            return admitted(&state)
        }
        for next in next { next.resume() }
    }

    /// Takes those out of the queues who may go in now.
    private func admitted(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        let next = Array(state.waiting.prefix(state.free))
        state.waiting.removeFirst(next.count)
        state.free -= next.count
        guard state.waiting.isEmpty, state.free == places, !state.waitingForAll.isEmpty else {
            return next
        }
        state.free = 0
        return next + [state.waitingForAll.removeFirst()]
    }
}
