import Synchronization

extension JobExecutor {
    /// A kind of event to listen for.
    public enum EventKind: Sendable, Hashable {
        /// Nothing runs and nothing waits.
        case idle
        /// A body returned.
        case success
        /// A body threw.
        case fail
    }

    /// Calls `action` for every event of a kind, on the task in which it happened: keep it short.
    @discardableResult
    public func on(
        _ kind: EventKind, _ action: @escaping @Sendable (Event) -> Void
    ) -> Listener {
        listeners.add { event in
            if event.kind == kind { action(event) }
        }
    }

    /// Every event from here on. A reader who is more than 1024 behind loses the newest. The
    /// sequence ends when the executor stops.
    public var events: AsyncStream<Event> { listeners.stream() }

    /// A listener that can be removed.
    public struct Listener: Sendable {
        fileprivate let number: Int
        fileprivate let listeners: Listeners

        /// Calls the action no more. Safe to repeat.
        public func remove() {
            listeners.remove(number)
        }
    }
}

extension JobExecutor.Event {
    /// Which kind of event this is.
    public var kind: JobExecutor.EventKind {
        switch self {
        case .idle: .idle
        case .success: .success
        case .fail: .fail
        }
    }
}

/// Who wants to know.
final class Listeners: Sendable {
    /// Events a slow reader may be behind.
    static let bufferedEvents = 1024

    private struct State {
        var nextNumber = 0
        var actions: [Int: @Sendable (JobExecutor.Event) -> Void] = [:]
        var streams: [Int: AsyncStream<JobExecutor.Event>.Continuation] = [:]
        var isFinished = false
    }

    private let state = Mutex(State())
    /// Whether anybody listens: the usual no costs a job nothing.
    private let hasAny = Atomic(false)

    func add(
        _ action: @escaping @Sendable (JobExecutor.Event) -> Void
    ) -> JobExecutor.Listener {
        let number = state.withLock { state in
            state.nextNumber += 1
            state.actions[state.nextNumber] = action
            hasAny.store(true, ordering: .releasing)
            return state.nextNumber
        }
        return JobExecutor.Listener(number: number, listeners: self)
    }

    func remove(_ number: Int) {
        state.withLock { state in
            state.actions[number] = nil
            state.streams[number] = nil
            hasAny.store(!state.actions.isEmpty || !state.streams.isEmpty, ordering: .releasing)
        }
    }

    func stream() -> AsyncStream<JobExecutor.Event> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobExecutor.Event.self, bufferingPolicy: .bufferingOldest(Self.bufferedEvents))
        let number = state.withLock { state -> Int? in
            guard !state.isFinished else { return nil }
            state.nextNumber += 1
            state.streams[state.nextNumber] = continuation
            hasAny.store(true, ordering: .releasing)
            return state.nextNumber
        }
        if let number {
            continuation.onTermination = { _ in self.remove(number) }
        } else {
            continuation.finish()
        }
        return stream
    }

    func tell(_ event: JobExecutor.Event) {
        guard hasAny.load(ordering: .acquiring) else { return }
        let (actions, streams) = state.withLock { state in
            (Array(state.actions.values), Array(state.streams.values))
        }
        for action in actions { action(event) }
        for stream in streams { stream.yield(event) }
    }

    func finish() {
        let streams = state.withLock { state in
            state.isFinished = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
    }
}
