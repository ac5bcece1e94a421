import Synchronization

/// Whether announcements arrive.
///
/// Once a take has failed, somebody else takes again and again, with growing pauses, until one goes
/// well: whoever looks for work polls the table meanwhile, and never waits for a doorbell that
/// refuses, hangs or is gone.
final class DoorbellWatch: Sendable {
    /// How long a take waits that is made to find out. One that only looks is another command, and
    /// may be answered where one that waits is refused.
    static let wait = Duration.milliseconds(100)

    private struct State {
        var isOut = false
        var failure = Signal()
    }

    private let state = Mutex(State())

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
    ///
    /// - Parameter answers: Takes; whether that went well.
    func run(_ answers: () async -> Bool) async {
        var pauses = Pauses()
        while !Task.isCancelled {
            await state.withLock { $0.failure }.wait()
            var pause = pauses.failed(at: .now)
            repeat {
                guard await sleep(for: pause) else { return }
                pause = pauses.next()
            } while !(await answers())
            pauses.answered(at: .now)
            state.withLock { state in
                state.isOut = false
                state.failure = Signal()
            }
        }
    }

    /// The pauses before it is asked. One that answers, and fails at the next take all the same, is
    /// left alone longer each time.
    struct Pauses {
        /// A failure so soon after an answer makes little of that.
        static let relapse = Duration.seconds(10)

        private var first = Backoff(from: .milliseconds(100), to: .seconds(1))
        private var afterRelapse = Backoff(from: .seconds(1), to: .seconds(30))
        private var lastAnswer: ContinuousClock.Instant?

        /// The pause before it is asked for the first time after a failure.
        mutating func failed(at now: ContinuousClock.Instant) -> Duration {
            first.reset()
            if let lastAnswer, now - lastAnswer < Self.relapse { return afterRelapse.next() }
            afterRelapse.reset()
            return first.next()
        }

        /// The pause before it is asked again.
        mutating func next() -> Duration { first.next() }

        mutating func answered(at now: ContinuousClock.Instant) {
            lastAnswer = now
        }
    }
}

extension Worker {
    /// Takes as a search does, to find out whether that goes, and gives back what came.
    func doorbellAnswers() async -> Bool {
        do {
            await giveBack(
                try await announcer.take(upTo: 1, from: queueNames, wait: DoorbellWatch.wait))
            return true
        } catch {
            return false
        }
    }
}
