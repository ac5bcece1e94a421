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
        /// Jobs that are still being looked for.
        var searches = 0
        var whenQuiet: [CheckedContinuation<Void, Never>] = []

        var isQuiet: Bool { !isRinging && searches == 0 }

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            guard isQuiet else { return [] }
            defer { whenQuiet = [] }
            return whenQuiet
        }
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

    /// Announces the jobs that `find` gives, once it has; returns at once.
    package func ring(_ find: @escaping @Sendable () async -> [Announcement]) {
        guard announcer.rings else { return }
        state.withLock { $0.searches += 1 }
        Task {
            ring(await find())
            let waiters = state.withLock { state in
                state.searches -= 1
                return state.takeWaiters()
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    /// Waits until everything rung so far has been sent or given up.
    package func quiet() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                if !state.isQuiet { state.whenQuiet.append(continuation) }
                return state.isQuiet
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
                return (batch, state.takeWaiters())
            }
            for waiter in waiters { waiter.resume() }
            guard !batch.isEmpty else { return }
            await announcer.announce(batch)
        }
    }
}
