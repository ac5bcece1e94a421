/// A worker process as it enters itself in the `worker` table.
public struct WorkerRecord: Sendable, Hashable {
    /// Fresh at every start, and after every reaping.
    public let id: WorkerID
    /// The machine's name, for people.
    public let host: String
    /// The process's number on that machine, for people.
    public let processID: Int32
    /// The queues it serves.
    public let queues: [Name]
    /// Jobs it runs at once.
    public let concurrency: Int
    /// The version of the program, for people.
    public let version: String
    /// How often it raises its heartbeat.
    public let heartbeat: Duration
    /// How long it may stand still before its claims are taken back.
    public let lease: Duration
    /// The kinds it has handlers for and claims, as SQL's LIKE reads them: `%` is any text, and `_` is
    /// written `\\_`.
    public let kinds: [String]
    /// Whether its handlers may go on while their jobs run elsewhere. One whose handlers may not holds
    /// no session lock, so that nobody finds it dead before its lease is over.
    public let mayOverlap: Bool

    /// Makes a record; ``MemberStore/register(_:)`` enters it.
    public init(
        id: WorkerID = WorkerID(), host: String, processID: Int32, queues: [Name],
        concurrency: Int, version: String, heartbeat: Duration, lease: Duration,
        kinds: [String] = ["%"], mayOverlap: Bool = true
    ) {
        self.id = id
        self.host = host
        self.processID = processID
        self.queues = queues
        self.concurrency = concurrency
        self.version = version
        self.heartbeat = heartbeat
        self.lease = lease
        self.kinds = kinds
        self.mayOverlap = mayOverlap
    }
}

/// What the heartbeat learned.
public enum HeartbeatState: Sendable, Hashable {
    /// The row was raised.
    case renewed
    /// No answer for a whole lease: the worker may or may not have been reaped.
    case unknown
    /// There is no row any more: the worker was reaped and its claims are gone.
    case reaped
    /// Nothing of the process has run for a lease but the heartbeat itself: it beats no more until
    /// something does, so that others take the claims over.
    case stuck
}

/// What a heartbeat watches over: claims, and whether their process works at all.
///
/// The closures are called on the heartbeat's own thread: they must not block.
public struct ClaimWatch: Sendable {
    /// The claims whose handlers run now.
    public let running: @Sendable () -> [(job: JobID, claim: ClaimToken)]
    /// Told which of them stand no more: cancelled, or taken back. Told again until they are gone
    /// from ``running``.
    public let onRevoked: @Sendable ([ClaimToken]) -> Void
    /// A number that changes as long as the process works; `nil` for one that nobody watches.
    public let pulse: @Sendable () -> Int?
    /// On which server of the doorbell others see that the process lives, to be written down with a
    /// beat; `nil` for none. Asked before each beat that has no session lock to show it.
    public let presence: @Sendable () -> String?

    /// Makes a watch over the claims that `running` gives at each beat, over `pulse`, and over
    /// `presence`.
    public init(
        running: @escaping @Sendable () -> [(job: JobID, claim: ClaimToken)],
        onRevoked: @escaping @Sendable ([ClaimToken]) -> Void,
        pulse: @escaping @Sendable () -> Int? = { nil },
        presence: @escaping @Sendable () -> String? = { nil }
    ) {
        self.running = running
        self.onRevoked = onRevoked
        self.pulse = pulse
        self.presence = presence
    }

    /// Watches over nothing.
    public static let nothing = ClaimWatch(running: { [] }, onRevoked: { _ in })
}

/// A running heartbeat.
public protocol Heartbeat: Sendable {
    /// Beats no more and waits until the thread has ended.
    func stop() async
}

/// What the holder of the maintenance term must know.
public struct Leadership: Sendable {
    /// Whether the term is held now.
    public var isHeld: Bool
    /// Rises with every change of holder.
    public var term: Int64
    /// The deployment's mark, made once with the schema.
    public var epoch: String
    /// The doorbell counter as last stored with the term.
    public var counter: Int64
    /// Every registered worker while the term is held; else its holder, if that is one.
    public var workers: [WorkerSight]
    /// Time until the next scheduled job is due, negative for one that is overdue; `nil`
    /// when there is none.
    public var nextDue: Duration?
    /// Time until a schedule ticks or is to be planned, negative for one that is overdue; `nil`
    /// when there is none.
    public var nextTick: Duration?
    /// Whether any job is claimed.
    public var isBusy: Bool
    /// How the term stands in another's hands, as a text that every renewal changes; `nil` when it
    /// is held.
    public var standing: String?

    /// Makes an answer to ``UpkeepStore/lead(as:for:counter:takingOver:)``.
    public init(
        isHeld: Bool, term: Int64, epoch: String, counter: Int64, workers: [WorkerSight],
        nextDue: Duration? = nil, nextTick: Duration? = nil, isBusy: Bool = true,
        standing: String? = nil
    ) {
        self.isHeld = isHeld
        self.term = term
        self.epoch = epoch
        self.counter = counter
        self.workers = workers
        self.nextDue = nextDue
        self.nextTick = nextTick
        self.isBusy = isBusy
        self.standing = standing
    }
}

/// A worker as one look at the table shows it.
public struct WorkerSight: Sendable, Hashable {
    /// The worker.
    public let id: WorkerID
    /// Its heartbeat's number; one that does not rise stands still.
    public let sequence: Int64
    /// How often it means to raise it.
    public let heartbeat: Duration
    /// How long it may stand still.
    public let lease: Duration
    /// The session lock the worker held over a direct connection is free, and the server that it was
    /// taken on still runs: that session has ended.
    public let lockFell: Bool
    /// On which server of the doorbell it said that its presence is seen, which it does where it
    /// holds no session lock; see ``Announcer/presence(of:)``.
    public let presence: String?
    /// The queues it serves.
    public let queues: [Name]

    /// Makes a sight of its columns.
    public init(
        id: WorkerID, sequence: Int64, heartbeat: Duration, lease: Duration, lockFell: Bool,
        presence: String? = nil, queues: [Name] = []
    ) {
        self.id = id
        self.sequence = sequence
        self.heartbeat = heartbeat
        self.lease = lease
        self.lockFell = lockFell
        self.presence = presence
        self.queues = queues
    }
}
