import NIOCore
import Synchronization

/// Ends the wait of one take without losing what Redis may be handing out at this very moment: it is
/// asked to stop waiting, and answers with nothing or with the ids. Only if that does not work is
/// the connection cut.
final class Interruption: Sendable {
    private struct State {
        var isTakeOver = false
        /// Done with whether the connection can be used again; `nil` while nobody interrupted.
        var end: EventLoopPromise<Bool>?
        var alarm: Scheduled<Void>?
    }

    private let connection: RedisConnection
    private let commands: CommandLink
    private let state = Mutex(State())

    init(_ connection: RedisConnection, by commands: CommandLink) {
        self.connection = connection
        self.commands = commands
    }

    func begin() {
        guard let id = connection.clientID else { return connection.end(.cancelled) }
        let eventLoop = connection.channel.eventLoop
        let end = eventLoop.makePromise(of: Bool.self)
        let alarm = eventLoop.scheduleTask(in: RedisLimits.cancelGrace) { [connection] in
            connection.end(.cancelled)
        }
        let isLate = state.withLock { state in
            (state.end, state.alarm) = (end, alarm)
            return state.isTakeOver
        }
        if isLate { end.succeed(true) } else { unblock(id, end) }
    }

    /// The take has its answer. Waits until no request to end its wait is on its way any more, for
    /// that would end the wait of the next; whether the connection can be used again.
    func finish() async -> Bool {
        let end = state.withLock { state in
            state.isTakeOver = true
            return state.end
        }
        guard let end else { return true }
        let answer = await end.futureResult.settled()
        state.withLock { $0.alarm }?.cancel()
        if case .success(true) = answer { return true }
        return false
    }

    /// Asks again until the take has ended: the first time may have come before the wait began.
    private func unblock(_ id: Int64, _ end: EventLoopPromise<Bool>) {
        commands.send(
            Commands("CLIENT", "UNBLOCK", String(id)), within: RedisLimits.answerTime, .failsFast
        ).whenComplete { result in
            guard case .success(let replies) = result, case .integer(let woken)? = replies.first
            else {
                self.connection.end(.cancelled)
                return end.succeed(false)
            }
            let isOver = woken != 0 || self.state.withLock { $0.isTakeOver }
            guard !isOver, self.connection.isActive else { return end.succeed(isOver) }
            end.futureResult.eventLoop.scheduleTask(in: RedisLimits.unblockPause) {
                self.unblock(id, end)
            }
        }
    }
}
