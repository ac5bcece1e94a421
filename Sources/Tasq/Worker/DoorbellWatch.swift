import Synchronization

/// Whether announcements arrive.
///
/// Once a take has failed, somebody else asks again and again whether the announcer answers, with
/// growing pauses: whoever looks for work polls the table meanwhile, and never waits for a doorbell
/// that refuses, hangs or is gone.
final class DoorbellWatch: Sendable {
    private struct State {
        var isOut = false
        var failure = Signal()
    }

    private let announcer: any Announcer
    private let queue: Name
    private let state = Mutex(State())

    /// Asks after `queue`, any one that is served.
    init(_ announcer: any Announcer, queue: Name) {
        self.announcer = announcer
        self.queue = queue
    }

    /// Whether the table has to be polled.
    var isOut: Bool { state.withLock { $0.isOut } }

    /// A take failed.
    func failed() {
        let failure = state.withLock { state in
            state.isOut = true
            return state.failure
        }
        failure.raise()
    }

    /// Asks, whenever it is out, until cancelled.
    func run() async {
        var pause = Backoff(from: .milliseconds(100), to: .seconds(1))
        var lastAnswer: ContinuousClock.Instant?
        while !Task.isCancelled {
            await state.withLock { $0.failure }.wait()
            guard !Task.isCancelled else { return }
            // One that answers, and fails at the next take all the same, is not asked faster.
            if let lastAnswer, ContinuousClock.now - lastAnswer > .seconds(10) { pause.reset() }
            repeat {
                await pause.pause()
                guard !Task.isCancelled else { return }
            } while !(await answers())
            lastAnswer = .now
            state.withLock { state in
                state.isOut = false
                state.failure = Signal()
            }
        }
    }

    private func answers() async -> Bool {
        do {
            _ = try await announcer.depths(of: [queue])
            return true
        } catch {
            return false
        }
    }
}
