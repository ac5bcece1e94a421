import DequeModule
import NIOCore

/// The callers of one connection that wait for their replies, in the order they asked.
///
/// Redis answers in order, so the first batch gets replies until it has one for each command.
struct PendingReplies {
    struct Batch {
        let commands: Int
        let bytes: Int
        let deadline: NIODeadline
        let promise: EventLoopPromise<[Reply]>
        var replies: [Reply] = []
    }

    /// What to do with a reply that came.
    enum Receipt {
        /// More of this batch are to come.
        case kept
        case complete(EventLoopPromise<[Reply]>, [Reply])
        /// Nobody asked.
        case unasked
    }

    private var batches: Deque<Batch> = []
    private var commands = 0
    private var bytes = 0

    /// Enters a batch; `false` when too much waits already.
    mutating func append(
        _ commands: Commands, by deadline: NIODeadline, _ promise: EventLoopPromise<[Reply]>
    ) -> Bool {
        let size = commands.bytes.readableBytes
        guard self.commands + commands.count <= RedisLimits.pendingCommands,
            bytes + size <= RedisLimits.pendingBytes
        else { return false }
        self.commands += commands.count
        bytes += size
        batches.append(
            Batch(commands: commands.count, bytes: size, deadline: deadline, promise: promise))
        return true
    }

    mutating func receive(_ reply: Reply) -> Receipt {
        guard !batches.isEmpty else { return .unasked }
        batches[0].replies.append(reply)
        guard batches[0].replies.count == batches[0].commands else { return .kept }
        let batch = batches.removeFirst()
        commands -= batch.commands
        bytes -= batch.bytes
        return .complete(batch.promise, batch.replies)
    }

    /// When the first of them has waited long enough. The order of asking is not that of deadlines.
    var earliestDeadline: NIODeadline? {
        batches.lazy.map(\.deadline).min()
    }

    mutating func removeAll() -> [EventLoopPromise<[Reply]>] {
        defer { self = PendingReplies() }
        return batches.map(\.promise)
    }
}
