import NIOCore

/// One request on its way to its answer; lives on its pool's event loop.
///
/// It ends once: with an answer, a fault, at its deadline or when it is called off, whatever state
/// the connection is in that carries it or is to carry it.
final class HTTPExchange {
    /// How much of an answer's body is wanted.
    struct Appetite {
        /// Bytes that are kept; a longer body is cut off there.
        var bytes: Int
        /// How long after the head the end is waited for; `nil`: until the deadline.
        var grace: TimeAmount?
    }

    let request: ByteBuffer
    let isToHead: Bool
    let deadline: NIODeadline
    private let appetite: Appetite
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer: HTTPAnswer?
    private var alarms: [Scheduled<Void>] = []
    private(set) var isOver = false
    /// Whether it goes over a second connection, since the first was closed by then.
    var isRepeated = false
    /// What carries it now.
    weak var connection: TargetConnection?

    init(
        _ request: ByteBuffer, isToHead: Bool, deadline: NIODeadline, appetite: Appetite,
        promise: EventLoopPromise<HTTPAnswer>
    ) {
        self.request = request
        self.isToHead = isToHead
        self.deadline = deadline
        self.appetite = appetite
        self.promise = promise
    }

    func start(on loop: any EventLoop) {
        let alarm = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.abandon(RequestFault.timedOut)
        }
        alarms.append(alarm)
    }

    func receive(_ head: HTTPAnswer, on loop: any EventLoop) {
        answer = head
        guard let grace = appetite.grace else { return }
        let alarm = loop.assumeIsolated().scheduleTask(in: grace) {
            self.abandon(RequestFault.timedOut)
        }
        alarms.append(alarm)
    }

    /// Keeps a part of the body; `false` when that was all that is wanted of it.
    func receive(_ part: ByteBuffer) -> Bool {
        guard var answer else { return false }
        // Taken out, so that appending does not copy what is there.
        self.answer = nil
        let room = appetite.bytes - answer.body.count
        answer.body += part.readableBytesView.prefix(room)
        self.answer = answer
        return part.readableBytes <= room
    }

    /// Ends with the answer as far as it came, or with the fault.
    func end(isWhole: Bool, otherwise fault: any Error = RequestFault.brokenOff) {
        if var answer {
            answer.isWhole = isWhole
            finish(.success(answer))
        } else {
            finish(.failure(fault))
        }
    }

    /// Calls it off, and closes what carries it.
    func abandon(_ reason: any Error) {
        guard !isOver else { return }
        let carrier = connection
        if reason is CancellationError {
            finish(.failure(reason))
        } else {
            end(isWhole: false, otherwise: reason)
        }
        carrier?.close()
    }

    private func finish(_ result: Result<HTTPAnswer, any Error>) {
        guard !isOver else { return }
        isOver = true
        for alarm in alarms { alarm.cancel() }
        alarms = []
        connection = nil
        promise.completeWith(result)
    }
}
