/// A queued job as the doorbell knows it: its id and the list it belongs on.
public struct Announcement: Sendable, Hashable {
    /// The job.
    public let id: JobID
    /// The queue whose list it belongs on.
    public let queue: Name
    /// Which of the queue's lists, one for each priority.
    public let priority: Priority

    /// Makes an announcement; it is sent by ``Announcer/announce(_:)``.
    public init(id: JobID, queue: Name, priority: Priority) {
        self.id = id
        self.queue = queue
        self.priority = priority
    }
}

/// The doorbell: tells waiting workers which rows are worth a look.
///
/// Nothing here decides anything. An announcement may be lost, repeated or late; the only thing
/// that changes is latency. Redis is the implementation; ``NoAnnouncer`` is a system without one.
public protocol Announcer: Sendable {
    /// Whether there is a doorbell at all; without one workers poll.
    var rings: Bool { get }

    /// What the keys of this doorbell begin with; every database needs one of its own.
    var prefix: String { get }

    /// Announces jobs on their lists. Failure is counted and forgotten: the sweep finds the rows.
    func announce(_ jobs: [Announcement]) async

    /// Waits up to `wait` for announced ids on the lists of `queues`, most urgent priority first,
    /// within a priority in the order given; returns at most `limit`, none after the wait.
    ///
    /// Each call occupies a connection for its wait, of which there are only a few, and may end early
    /// with nothing, after a minute at the latest. Throws when the doorbell is out of order; the
    /// caller then looks at the table. Cancelling the task ends the wait and gives back ids that had
    /// been taken meanwhile.
    func take(
        upTo limit: Int, from queues: [Name], wait: Duration
    ) async throws(AnnouncerError) -> [JobID]

    /// Writes the epoch mark wherever announcements may be forgotten by themselves, and returns
    /// what it replaces there. Throws when it could be written nowhere.
    ///
    /// - Parameters:
    ///   - mark: The new mark.
    ///   - queues: Those whose lists matter: some worker serves them.
    func exchangeEpoch(
        _ mark: String, beside queues: [Name]
    ) async throws(AnnouncerError) -> EpochMarks

    /// Empties the lists of these queues, before they are filled anew from the table.
    func clear(_ queues: [Name]) async throws(AnnouncerError)

    /// Like ``announce(_:)``, but says when it failed, so that a refill can stop and try again. What
    /// is not tasq's at the key of one list keeps only that list's ids away, and is no failure.
    func refill(_ jobs: [Announcement]) async throws(AnnouncerError)

    /// Takes these ids off a list, each once and where it is to be taken first; returns how many
    /// went. Whatever else stands there stays. The ids are those next to be taken, in that order:
    /// when most of some are gone already, somebody takes there, and the rest is left alone.
    func withdraw(
        _ ids: [JobID], from queue: Name, _ priority: Priority
    ) async throws(AnnouncerError) -> Int

    /// How many ids stand on the lists of each queue. A queue with something else at the key of a
    /// list is left out; throws when that leaves none.
    func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int]

    /// The queues that have lists.
    func announcedQueues() async throws(AnnouncerError) -> [Name]

    /// Up to `limit` elements of a list as they are, newest first, from an index; -1 is the one
    /// that is taken next. A limit of more than 10,000 counts as that.
    func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String]

    /// Keeps a connection open on which a server of the doorbell sees the end of this process, until
    /// the task is cancelled.
    ///
    /// - Parameters:
    ///   - worker: Whom the connection stands for.
    ///   - onChange: Told on which start of which server it stands, and `nil` as soon as it does not.
    func showPresence(
        of worker: WorkerID, onChange: @escaping @Sendable (String?) -> Void
    ) async

    /// Which of these workers have such a connection to the server that this process talks to;
    /// `nil` when that does not say so within a moment.
    func presence(of workers: [WorkerID]) async -> Presence?

    /// What this process has done with the doorbell: ids sent, failures, connections.
    var metrics: [Metric] { get }

    /// Closes every connection.
    func close() async
}

extension Announcer {
    /// Returns at once: not every doorbell sees who is connected.
    public func showPresence(
        of worker: WorkerID, onChange: @escaping @Sendable (String?) -> Void
    ) async {}

    /// `nil`: not every doorbell sees who is connected.
    public func presence(of workers: [WorkerID]) async -> Presence? { nil }
}

/// Who is connected to a server of the doorbell.
public struct Presence: Sendable, Hashable {
    /// Which start of which server says so: another one knows nothing of connections to this one.
    public let server: String
    /// Those of the workers asked for that have a connection.
    public let workers: Set<WorkerID>

    /// Makes an answer to ``Announcer/presence(of:)``.
    public init(server: String, workers: Set<WorkerID>) {
        self.server = server
        self.workers = workers
    }

    /// Those who said that this very server sees them, and whom it does not see.
    func missing(among sights: [WorkerSight]) -> Set<WorkerID> {
        Set(sights.filter { $0.presence == server }.map(\.id)).subtracting(workers)
    }
}

/// The epoch marks that were replaced.
public enum EpochMarks: Sendable, Hashable {
    /// One stands for all queues; `nil` if there was none.
    case whole(String?)
    /// Each queue has its own, because their lists may be lost one without the other.
    case parts([Name: EpochMark])
}

/// What became of the mark of one queue.
public enum EpochMark: Sendable, Hashable {
    /// It was written; `nil` if there was none before.
    case replaced(String?)
    /// Where it should stand is out of order.
    case unreachable
}

/// Why the doorbell did not ring.
public struct AnnouncerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where and what, without secrets, as in `redis 127.0.0.1:6379: connection refused`.
    public let description: String

    /// Takes the text as it is: where and what, without secrets.
    public init(_ description: String) {
        self.description = description
    }
}

/// A system without a doorbell: workers find their jobs by polling the table.
public struct NoAnnouncer: Announcer {
    /// Makes one; all are alike.
    public init() {}

    /// Never: workers poll.
    public var rings: Bool { false }
    /// Empty: there are no keys.
    public var prefix: String { "" }
    /// Does nothing.
    public func announce(_ jobs: [Announcement]) async {}
    /// Returns at once and empty; nobody calls it while ``rings`` is false.
    public func take(
        upTo limit: Int, from queues: [Name], wait: Duration
    ) async throws(AnnouncerError) -> [JobID] { [] }
    /// Returns the mark, so that nothing seems forgotten.
    public func exchangeEpoch(
        _ mark: String, beside queues: [Name]
    ) async throws(AnnouncerError) -> EpochMarks { .whole(mark) }
    /// Does nothing.
    public func clear(_ queues: [Name]) async throws(AnnouncerError) {}
    /// Does nothing.
    public func refill(_ jobs: [Announcement]) async throws(AnnouncerError) {}
    /// None: there are no lists.
    public func withdraw(
        _ ids: [JobID], from queue: Name, _ priority: Priority
    ) async throws(AnnouncerError) -> Int { 0 }
    /// Empty: there are no lists.
    public func depths(of queues: [Name]) async throws(AnnouncerError) -> [Name: Int] { [:] }
    /// Empty: there are no lists.
    public func announcedQueues() async throws(AnnouncerError) -> [Name] { [] }
    /// Empty: there are no lists.
    public func announced(
        on queue: Name, _ priority: Priority, from index: Int, limit: Int
    ) async throws(AnnouncerError) -> [String] { [] }
    /// Empty: there is nothing to count.
    public var metrics: [Metric] { [] }
    /// Does nothing.
    public func close() async {}
}
