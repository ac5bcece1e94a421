/// Growing, jittered pauses between tries, so that many processes do not come back together and
/// no loop is ever hot.
package struct Backoff: Sendable {
    private let shortest: Duration
    private let longest: Duration
    private let spread: ClosedRange<Double>
    /// Failures since the last ``reset()``.
    package private(set) var attempts = 0
    private var until: ContinuousClock.Instant?

    /// Pauses that double up to the longest; each is its length times a factor within `spread`.
    package init(
        from shortest: Duration, to longest: Duration, spread: ClosedRange<Double> = 0.7...1.3
    ) {
        self.shortest = shortest
        self.longest = longest
        self.spread = spread
    }

    /// The pause after so many failures, before it is moved.
    package static func length(
        after failures: Int, from shortest: Duration, to longest: Duration
    ) -> Duration {
        min(longest, shortest * (1 << min(max(0, failures - 1), 30)))
    }

    /// Starts again from the shortest pause.
    package mutating func reset() {
        attempts = 0
        until = nil
    }

    /// Counts a failure and returns the pause after it. `chance`, from 0 to 1, is where in the spread
    /// it falls.
    package mutating func next(chance: Double = Double.random(in: 0...1)) -> Duration {
        attempts = min(attempts + 1, 1000)
        return Self.length(after: attempts, from: shortest, to: longest)
            * (spread.lowerBound + (spread.upperBound - spread.lowerBound) * chance)
    }

    /// Counts a failure of something that many ask for, and has it left alone for a pause.
    package mutating func rest() {
        until = ContinuousClock.now + next()
    }

    /// Until when it is left alone; `nil` when it is not.
    package var restsUntil: ContinuousClock.Instant? {
        until.flatMap { $0 > .now ? $0 : nil }
    }

    /// Pauses; returns early when the task is cancelled.
    package mutating func pause() async {
        await sleep(for: next())
    }
}

/// Sleeps; returns `false`, early, when the task is cancelled. Loops look at the answer: after a
/// cancellation every further sleep would return at once.
///
/// Long sleeps are made of short ones: a timer stands until its time even if the task that slept was
/// cancelled long before, with some 700 bytes. For a timeout of ten minutes around each of thousands
/// of short jobs that came to hundreds of megabytes.
@discardableResult
package func sleep(for duration: Duration) async -> Bool {
    let end = ContinuousClock.now + duration
    do {
        repeat {
            try await Task.sleep(for: min(end - .now, longestTimer))
        } while .now < end
        return true
    } catch {
        return false
    }
}

private let longestTimer = Duration.seconds(1)
