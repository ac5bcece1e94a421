/// Growing, jittered pauses between tries, so that many processes do not come back together and
/// no loop is ever hot.
package struct Backoff: Sendable {
    private let policy: RetryPolicy
    /// Pauses made since the last ``reset()``.
    package private(set) var attempts = 0

    package init(from first: Duration, to longest: Duration) {
        policy = RetryPolicy(base: first, factor: 2, cap: longest, jitter: 0.3)
    }

    /// Starts again from the shortest pause.
    package mutating func reset() {
        attempts = 0
    }

    /// The next pause's length.
    package mutating func next() -> Duration {
        attempts = min(attempts + 1, 1000)
        return policy.delay(after: attempts)
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
