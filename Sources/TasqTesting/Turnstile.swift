import Foundation
import Synchronization

/// Lets so many bodies run at a time, and the others in after them, in the order they came.
///
/// A test runner starts every test at once. Hundreds of them, each with servers and programs of its
/// own on a few cores, would be slow enough to run into the very deadlines they are about. Those
/// that want more of the machine go after those that want less of it.
package final class Turnstile: Sendable {
    /// How much of the machine a body takes, the smallest first.
    package enum Share: CaseIterable, Sendable {
        /// One of a few places a core, for most of those that take one wait.
        case place
        /// All places of a core.
        case core
        /// Everything: nobody else is inside.
        case all
    }

    /// For all that open a server, a database or a program.
    package static let forTests = Turnstile(cores: ProcessInfo.processInfo.activeProcessorCount)

    private static let placesPerCore = 3

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

    private typealias Admission = CheckedContinuation<Void, Never>

    private struct State {
        var free: Int
        var waiting: [Share: [Admission]] = [:]
    }

    private let places: Int
    private let state: Mutex<State>

    package init(cores: Int) {
        places = Self.placesPerCore * cores
        state = Mutex(State(free: places))
    }

    /// How many wait to be let in.
    package var waiting: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

    /// Runs the body when its share is free and nobody waits for a smaller one.
    package func pass<Result>(
        taking share: Share = .place, _ body: () async throws -> Result
    ) async throws -> Result {
        guard !Self.isInside else { return try await body() }
        await enter(share)
        defer { leave(share) }
        return try await Self.$isInside.withValue(true) { try await body() }
    }

    private func enter(_ share: Share) async {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state in
                state.waiting[share, default: []].append(continuation)
                return admitted(&state)
            }
            for next in next { next.resume() }
        }
    }

    private func leave(_ share: Share) {
        let next = state.withLock { state in
            state.free += size(of: share)
            return admitted(&state)
        }
        for next in next { next.resume() }
    }

    private func size(of share: Share) -> Int {
        switch share {
        case .place: 1
        case .core: Self.placesPerCore
        case .all: places
        }
    }

    /// Takes those out of the queues who may go in now.
    private func admitted(_ state: inout State) -> [Admission] {
        var next: [Admission] = []
        for share in Share.allCases {
            while let first = state.waiting[share]?.first {
                guard state.free >= size(of: share) else { return next }
                state.free -= size(of: share)
                state.waiting[share]?.removeFirst()
                next.append(first)
            }
        }
        return next
    }
}
