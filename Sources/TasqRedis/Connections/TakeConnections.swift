import NIOCore
import Synchronization
import Tasq

/// The connections of blocking takes: each take has one to itself, a finished one passes it on.
///
/// One attempt at a time; after a failure of any kind takes rest a while before the next, so that
/// a caller who tries again at once never spins.
final class TakeConnections: Sendable {
    private struct State {
        var idle: [RedisConnection] = []
        var busy: [RedisConnection] = []
        var attempt: EventLoopPromise<Void>?
        var backoff = RedisLimits.backoff
        var fault = RedisFault.lost
        var closed: RedisFault?
        var isReplacement = false
    }

    private enum Step {
        case use(RedisConnection)
        case join(EventLoopFuture<Void>)
        case dial(EventLoopPromise<Void>)
        case rest(until: ContinuousClock.Instant, RedisFault)
        case refuse(RedisFault)
    }

    private let dialer: Dialer
    private let tally: Tally
    private let state = Mutex(State())

    init(_ dialer: Dialer, _ tally: Tally) {
        self.dialer = dialer
        self.tally = tally
    }

    /// A connection for one take, before `end` or the fault that stands in the way.
    func borrow(before end: ContinuousClock.Instant) async -> Result<RedisConnection, RedisFault> {
        while true {
            switch state.withLock({ next(&$0, end) }) {
            case .use(let connection): return .success(connection)
            case .refuse(let fault): return .failure(fault)
            case .join(let future):
                if case .failure(let fault) = await future.answer() { return .failure(fault) }
            case .dial(let attempt):
                dial(attempt)
                let answer = await attempt.futureResult.answer()
                if case .failure(let fault) = answer { return .failure(fault) }
            case .rest(let until, let fault):
                do {
                    try await Task.sleep(until: min(until, end), clock: .continuous)
                } catch {
                    return .failure(.cancelled)
                }
                if ContinuousClock.now >= end, until >= end { return .failure(fault) }
            }
        }
    }

    /// Takes a connection back after a take that went well.
    func giveBack(_ connection: RedisConnection) {
        connection.noteServed()
        state.withLock { state in
            state.backoff.reset()
            guard let place = state.busy.firstIndex(where: { $0 === connection }) else { return }
            state.busy.remove(at: place)
            if connection.isActive { state.idle.append(connection) }
        }
    }

    /// Takes a connection back after a take that failed, and rests.
    func giveBack(_ connection: RedisConnection, after fault: RedisFault) {
        let goesOn = state.withLock { state in
            state.busy.removeAll { $0 === connection }
            if fault.kind != .cancelled {
                state.backoff.rest()
                state.fault = fault
                state.isReplacement = true
            }
            let goesOn =
                !fault.endsConnection && connection.isActive && state.closed == nil
            if goesOn { state.idle.append(connection) }
            return goesOn
        }
        if !goesOn { connection.end(fault) }
    }

    /// Ends all of them, fails those who wait and returns what is being closed.
    @discardableResult
    func shutDown(_ fault: RedisFault = .closed) -> [RedisConnection] {
        let (connections, attempt) = state.withLock { state in
            let connections = state.idle + state.busy
            state.closed = fault
            state.idle = []
            return (connections, state.attempt)
        }
        // What comes of an attempt is ended as soon as it stands.
        attempt?.fail(fault)
        for connection in connections { connection.end(fault) }
        return connections
    }

    /// Whether the last take or attempt failed, and until when the next one rests.
    var failing: (isFailing: Bool, isResting: Bool) {
        state.withLock { ($0.backoff.attempts > 0, $0.backoff.restsUntil != nil) }
    }

    /// All that stand, waiting or not.
    var connections: [RedisConnection] { state.withLock { $0.idle + $0.busy } }

    private func next(_ state: inout State, _ end: ContinuousClock.Instant) -> Step {
        if let fault = state.closed { return .refuse(fault) }
        if let until = state.backoff.restsUntil { return .rest(until: until, state.fault) }
        while let connection = state.idle.popLast() {
            guard connection.isActive else { continue }
            state.busy.append(connection)
            return .use(connection)
        }
        if let attempt = state.attempt { return .join(attempt.futureResult) }
        guard state.busy.count < RedisLimits.takeConnections else {
            return .rest(
                until: min(end, .now + RedisLimits.waits.upperBound),
                RedisFault(
                    .backlog, "\(RedisLimits.takeConnections) takes wait already: share them"))
        }
        let attempt = dialer.eventLoop.makePromise(of: Void.self)
        state.attempt = attempt
        return .dial(attempt)
    }

    private func dial(_ attempt: EventLoopPromise<Void>) {
        dialer.dial().whenComplete { result in
            switch self.state.withLock({ self.enter(result, &$0) }) {
            case .success(let connection):
                connection.ended.whenSuccess { _ in self.forget(connection) }
                attempt.succeed()
            case .failure(let fault):
                if case .success(let connection) = result { connection.end(fault) }
                attempt.fail(fault)
            }
        }
    }

    private func enter(
        _ result: Result<RedisConnection, any Error>, _ state: inout State
    ) -> Result<RedisConnection, RedisFault> {
        state.attempt = nil
        if let fault = state.closed { return .failure(fault) }
        switch result {
        case .success(let connection):
            tally.noteConnect(isReplacement: state.isReplacement)
            state.isReplacement = false
            state.idle.append(connection)
            return .success(connection)
        case .failure(let error):
            let fault = RedisFault(connectionError: error)
            state.fault = fault
            state.isReplacement = true
            state.backoff.rest()
            return .failure(fault)
        }
    }

    /// An idle connection that ended is gone; a busy one is judged by its take.
    private func forget(_ connection: RedisConnection) {
        state.withLock { state in
            state.idle.removeAll { $0 === connection }
        }
    }
}
