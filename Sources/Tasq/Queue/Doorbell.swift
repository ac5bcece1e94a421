import DequeModule
import Synchronization

/// Announces in the background what has been committed, so that nobody waits for the announcer.
///
/// Announcements made while one is under way go out together with the next. What does not fit into
/// the buffer is dropped: a sweep finds those rows.
package final class Doorbell: Sendable {
    private struct State {
        var pending: [Announcement] = []
        var isRinging = false
        var whenQuiet: [CheckedContinuation<Void, Never>] = []
    }

    /// Announcements that may wait for a slow announcer.
    package static let maxPending = 100_000

    package let announcer: any Announcer
    private let meters: Meters
    private let state = Mutex(State())

    package init(_ announcer: any Announcer, meters: Meters) {
        self.announcer = announcer
        self.meters = meters
    }

    /// Announces these jobs soon; returns at once.
    package func ring(_ jobs: [Announcement]) {
        guard announcer.rings, !jobs.isEmpty else { return }
        let (starts, dropped) = state.withLock { state in
            let room = max(0, Self.maxPending - state.pending.count)
            state.pending.append(contentsOf: jobs.prefix(room))
            defer { state.isRinging = true }
            return (!state.isRinging, max(0, jobs.count - room))
        }
        meters.announcementsDropped.add(dropped)
        if starts {
            Task { await self.deliver() }
        }
    }

    /// Waits until everything rung so far has been sent or given up.
    package func quiet() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                if state.isRinging { state.whenQuiet.append(continuation) }
                return !state.isRinging
            }
            if isQuiet { continuation.resume() }
        }
    }

    private func deliver() async {
        while true {
            let (batch, waiters) = state.withLock {
                state -> ([Announcement], [CheckedContinuation<Void, Never>]) in
                let batch = state.pending
                state.pending = []
                guard batch.isEmpty else { return (batch, []) }
                state.isRinging = false
                defer { state.whenQuiet = [] }
                return (batch, state.whenQuiet)
            }
            for waiter in waiters { waiter.resume() }
            guard !batch.isEmpty else { return }
            await announcer.announce(batch)
        }
    }
}
