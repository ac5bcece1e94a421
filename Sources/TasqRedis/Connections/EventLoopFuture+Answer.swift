import NIOCore
import Tasq

extension EventLoopFuture where Value: Sendable {
    /// The result, or ``RedisFault/cancelled`` as soon as the task is cancelled.
    func answer() async -> Result<Value, RedisFault> {
        let first = eventLoop.makePromise(of: Value.self)
        cascade(to: first)
        return await withTaskCancellationHandler {
            await first.futureResult.settled()
        } onCancel: {
            first.fail(RedisFault.cancelled)
        }
    }

    /// The result, or ``RedisFault/silent`` after this long; whether the task is cancelled or not.
    func settled(within time: TimeAmount) async -> Result<Value, RedisFault> {
        await within(time).settled()
    }

    /// The same result, but ``RedisFault/silent`` after this long.
    func within(_ time: TimeAmount) -> EventLoopFuture<Value> {
        let first = eventLoop.makePromise(of: Value.self)
        cascade(to: first)
        let alarm = eventLoop.scheduleTask(in: time) { first.fail(RedisFault.silent) }
        first.futureResult.whenComplete { _ in alarm.cancel() }
        return first.futureResult
    }

    /// The result, whenever it comes; whether the task is cancelled or not.
    func settled() async -> Result<Value, RedisFault> {
        do {
            return .success(try await get())
        } catch {
            return .failure(RedisFault(connectionError: error))
        }
    }
}

extension Duration {
    /// As NIO counts it, at most a day.
    var timeAmount: TimeAmount {
        .microseconds(min(max(inMicroseconds, 0), 86_400_000_000))
    }
}
