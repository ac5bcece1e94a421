import Logging
import Synchronization
import Tasq

/// Says in the log when PostgreSQL goes and when it is back: one line each, however many callers
/// notice.
final class ServerWatch: Sendable {
    private let logger: Logger
    private let outage = Mutex(Outage())
    private let flag = Atomic<Bool>(false)

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Whether the last that was heard of the server was a failure.
    var isOut: Bool { flag.load(ordering: .relaxed) }

    /// A connection could not be made, or, which says less of the server, was lost.
    func failed(_ error: StoreError, isSure: Bool) {
        let isNews = outage.withLock { outage in
            flag.store(true, ordering: .relaxed)
            return outage.failed(at: .now, isSure: isSure)
        }
        if isNews {
            logger.warning("postgres is out", metadata: ["error": "\(error)"])
        } else if !isSure {
            logger.debug("a connection to postgres was lost", metadata: ["error": "\(error)"])
        }
    }

    /// The server has answered; costs one relaxed load while all is well.
    func answered() {
        guard isOut else { return }
        let length = outage.withLock { outage in
            flag.store(false, ordering: .relaxed)
            return outage.ended(at: .now)
        }
        guard let length else { return }
        logger.info("postgres answers again", metadata: ["after": "\(length.rough)"])
    }
}

/// What has been told of a server that comes and goes.
struct Outage {
    typealias Instant = ContinuousClock.Instant

    /// An outage that begins so soon after one that was told is told once it has lasted.
    static let quietTime = Duration.seconds(30)

    private var start: Instant?
    private var isTold = false
    private var lastTold: Instant?
    private var lastDoubt: Instant?

    /// Whether this is to be told. One connection that is lost may be a pooler's or an operator's doing:
    /// that is told when the server does not answer a new one, or soon loses another.
    mutating func failed(at now: Instant, isSure: Bool = true) -> Bool {
        if start == nil {
            start = now
            isTold = false
        }
        if isTold { return false }
        if !isSure {
            defer { lastDoubt = now }
            guard let lastDoubt, now - lastDoubt < Self.quietTime else { return false }
        }
        if let lastTold, now - lastTold < Self.quietTime { return false }
        isTold = true
        lastTold = now
        return true
    }

    /// How long it was, where its beginning was told.
    mutating func ended(at now: Instant) -> Duration? {
        guard let began = start else { return nil }
        start = nil
        return isTold ? now - began : nil
    }
}
