import NIOCore
import Synchronization
import Tasq

/// The one connection all commands share, made when it is wanted and made anew when it is lost.
///
/// One attempt at a time, and none while the backoff rests: whoever asks then is told at once why.
final class CommandLink: Sendable {
    /// What a caller accepts while the link is out of order.
    enum Patience {
        /// Waits for an attempt that is under way.
        case waits
        /// Waits for the first attempt only, not for one after a failure.
        case failsFast
    }

    private enum Phase {
        case idle
        case connecting(EventLoopPromise<RedisConnection>)
        case ready(RedisConnection)
        case closed(RedisFault)
    }

    private struct State {
        var phase = Phase.idle
        var backoff = RedisLimits.backoff
        var fault = RedisFault.lost
        var isReplacement = false
    }

    /// What a caller gets.
    private enum Step {
        case use(RedisConnection)
        case join(EventLoopFuture<RedisConnection>)
        case dial(EventLoopPromise<RedisConnection>)
        case refuse(RedisFault)
    }

    private let dialer: Dialer
    private let tally: Tally
    private let state = Mutex(State())

    init(_ dialer: Dialer, _ tally: Tally) {
        self.dialer = dialer
        self.tally = tally
    }

    /// Sends commands over the connection, which is made first if need be; fails with a
    /// ``RedisFault``.
    func send(
        _ commands: Commands, within time: TimeAmount, _ patience: Patience = .waits
    ) -> EventLoopFuture<[Reply]> {
        switch connection(patience) {
        case .failure(let fault): dialer.eventLoop.makeFailedFuture(fault)
        case .success(let future):
            future.flatMap { connection in
                connection.send(commands, within: time).map { replies in
                    self.judge(replies, of: connection)
                    return replies
                }
            }
        }
    }

    /// Ends the connection, fails all who wait and returns what is being closed.
    @discardableResult
    func shutDown(_ fault: RedisFault = .closed) -> [RedisConnection] {
        let phase = state.withLock { state in
            let phase = state.phase
            state.phase = .closed(fault)
            return phase
        }
        switch phase {
        case .idle, .closed: return []
        case .connecting(let attempt):
            // What comes of it is ended as soon as it stands.
            attempt.fail(fault)
            return []
        case .ready(let connection):
            connection.end(fault)
            return [connection]
        }
    }

    /// The connection that stands.
    var connection: RedisConnection? {
        state.withLock { state in
            if case .ready(let connection) = state.phase { connection } else { nil }
        }
    }

    private func connection(
        _ patience: Patience
    ) -> Result<EventLoopFuture<RedisConnection>, RedisFault> {
        let failsFast = patience == .failsFast
        let (step, fault) = state.withLock { state in
            (next(&state, failsFast), failsFast && state.backoff.attempts > 0 ? state.fault : nil)
        }
        switch step {
        case .use(let connection):
            return .success(dialer.eventLoop.makeSucceededFuture(connection))
        case .join(let future):
            return fault.map { .failure($0) } ?? .success(future)
        case .dial(let attempt):
            dial(attempt)
            return fault.map { .failure($0) } ?? .success(attempt.futureResult)
        case .refuse(let fault):
            return .failure(fault)
        }
    }

    private func next(_ state: inout State, _ failsFast: Bool) -> Step {
        switch state.phase {
        case .closed(let fault): return .refuse(fault)
        case .ready(let connection) where connection.isActive: return .use(connection)
        case .connecting(let attempt): return .join(attempt.futureResult)
        case .ready, .idle:
            if state.backoff.restsUntil != nil { return .refuse(state.fault) }
            let attempt = dialer.eventLoop.makePromise(of: RedisConnection.self)
            state.phase = .connecting(attempt)
            return .dial(attempt)
        }
    }

    private func dial(_ attempt: EventLoopPromise<RedisConnection>) {
        dialer.dial().whenComplete { result in
            let outcome = self.state.withLock { state in self.take(result, &state) }
            switch outcome {
            case .success(let connection):
                connection.ended.whenSuccess { self.lose(connection, $0) }
                attempt.succeed(connection)
            case .failure(let fault):
                if case .success(let connection) = result { connection.end(fault) }
                attempt.fail(fault)
            }
        }
    }

    private func take(
        _ result: Result<RedisConnection, any Error>, _ state: inout State
    ) -> Result<RedisConnection, RedisFault> {
        if case .closed(let fault) = state.phase { return .failure(fault) }
        switch result {
        case .success(let connection):
            state.phase = .ready(connection)
            tally.noteConnect(isReplacement: state.isReplacement)
            state.isReplacement = true
            return .success(connection)
        case .failure(let error):
            let fault = RedisFault(connectionError: error)
            state.phase = .idle
            state.fault = fault
            state.isReplacement = true
            state.backoff.rest()
            return .failure(fault)
        }
    }

    /// Learns from replies: a good one ends the backoff, some errors end the connection.
    private func judge(_ replies: [Reply], of connection: RedisConnection) {
        for reply in replies {
            guard case .error(let text) = reply else { continue }
            let fault = RedisFault.answer(text, about: "")
            guard fault.endsConnection else { continue }
            lose(connection, fault)
            return connection.end(fault)
        }
        guard replies.contains(where: { !$0.isError }) else { return }
        connection.noteServed()
        state.withLock { $0.backoff.reset() }
    }

    /// Forgets a connection. One that had served and just broke is replaced at once.
    private func lose(_ connection: RedisConnection, _ fault: RedisFault) {
        state.withLock { state in
            guard case .ready(let current) = state.phase, current === connection else { return }
            state.phase = .idle
            state.fault = fault
            if fault.kind != .lost || !connection.hasServed { state.backoff.rest() }
        }
    }
}
