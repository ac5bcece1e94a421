public import Logging
import NIOCore
import NIOPosix
import Synchronization
public import Tasq

/// The doorbell on Redis: lists of job ids, and a blocking take over them.
///
/// Commands of all callers share one connection to each server and are pipelined; every take that
/// waits has a connection of its own, at most eight to one server at once. Connections are made when
/// they are wanted and made anew when lost, after a backoff of 50 ms to 2 s. Nothing waits longer
/// than its deadline, whatever the server or the network does: a connection that misses one is given
/// up. Sentinels and nodes of a cluster are followed wherever the primaries go; see ``RedisSettings``.
public final class RedisAnnouncer: Announcer {
    let keys: Keys
    let place: String
    let deployment: Deployment
    let announceTime: TimeAmount
    let outages: OutageLog
    let tally = Tally()
    let idsPerList: Int
    /// Lists that are being cut, or could not be, and until when nobody tries again.
    let trims = Mutex<[String: ContinuousClock.Instant]>([:])
    /// Lists whose keys hold something that is not tasq's, and when they are looked at again.
    let strange = Mutex<[String: ContinuousClock.Instant]>([:])
    /// `LMPOP`, over the shared connections.
    let lacksMultiplePop = MissingCommand()
    /// `SET` that answers what it replaces.
    let lacksExchange = MissingCommand()
    /// `INFO` or `PUBSUB`, or a run's number in the first.
    let lacksPresence = MissingCommand()
    let logger: Logger
    /// What was thrown last; the error itself is text alone.
    let lastFault = Mutex<RedisFault?>(nil)
    /// What was announced last of what did not wait for its answer.
    private let unanswered = Mutex<EventLoopFuture<[Answer]>?>(nil)

    /// Connects to nothing yet; the first call does.
    public init(_ settings: RedisSettings, logger: Logger) {
        keys = Keys(prefix: settings.prefix)
        place = settings.safeDescription
        announceTime = settings.announceTime.timeAmount
        idsPerList = max(1, settings.idsPerList)
        deployment = Deployment(
            settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next(), tally)
        outages = OutageLog(settings.safeDescription, logger)
        self.logger = logger
    }

    /// Nothing is left open by one that was forgotten; ``close()`` also waits.
    deinit {
        deployment.shutDown()
    }

    /// Always: this is the doorbell.
    public var rings: Bool { true }

    /// As ``RedisSettings/prefix`` says.
    public var prefix: String { keys.prefix }

    /// What it has sent and met since it was made.
    public var metrics: [Metric] { counts.metrics }

    /// What it has done so far.
    package var counts: AnnouncerCounts { tally.current }

    /// Announces jobs on their lists, in order.
    ///
    /// Returns when Redis has answered, but after 100 ms at the latest: the answer is then counted
    /// when it comes. While Redis is known to be out of order it returns at once.
    public func announce(_ jobs: [Announcement]) async {
        var last: EventLoopFuture<[Answer]>?
        for window in pushes(of: jobs) {
            let answers = deployment.send(window, within: announceTime, .failsFast)
            answers.whenSuccess { _ = self.account($0, for: window) }
            last = answers
        }
        guard let last else { return }
        if case .failure = await last.settled(within: RedisLimits.patience) {
            // On its way, or failed already.
            unanswered.withLock { $0 = last }
        }
    }

    /// Like ``announce(_:)``, but waits for every answer, two seconds at most for each portion of
    /// 64,000 ids, and throws the first failure that concerns more than one list.
    public func refill(_ jobs: [Announcement]) async throws(AnnouncerError) {
        for window in pushes(of: jobs) {
            let answers: [Answer]
            switch await deployment.send(window, within: RedisLimits.answerTime).answer() {
            case .success(let given): answers = given
            case .failure(let fault):
                answers = window.map { _ in Answer(result: .failure(fault), node: "") }
            }
            if let fault = account(answers, for: window) { throw error(fault) }
        }
    }

    /// Closes every connection and waits until it is closed. Whoever waits here gets an error.
    ///
    /// Announcements on their way are given the time they have, ``RedisSettings/announceTime`` at
    /// most, so that a program that enqueues and ends leaves nothing to a sweep.
    public func close() async {
        let last = unanswered.withLock { $0 }
        _ = await last?.settled(within: announceTime)
        for connection in deployment.shutDown() { _ = await connection.closed.settled() }
    }

    /// Counts what became of pushes, and cuts lists that have grown too long; the first fault of
    /// more than one list.
    private func account(_ answers: [Answer], for pushes: [KeyedCommand]) -> RedisFault? {
        var first: RedisFault?
        var long: Set<String> = []
        for (push, answer) in zip(pushes, answers) {
            switch answer.reply(about: push.key) {
            case .failure(let fault):
                if !fault.isOfOneList { first = first ?? fault }
                outages.failed(.announcing, fault, on: push.key, at: answer.node)
                tally.update { $0.announceFailures += push.ids.count }
            case .success(let reply):
                outages.succeeded(.announcing, on: push.key, at: answer.node)
                tally.update { $0.announced += push.ids.count }
                if case .integer(let length) = reply, length > idsPerList { long.insert(push.key) }
            }
        }
        for list in long { trim(list) }
        return first
    }

    /// Jobs by list, each list in the given order, in portions that are sent at once.
    private func pushes(of jobs: [Announcement]) -> [[KeyedCommand]] {
        struct Place: Hashable {
            let queue: Name
            let priority: Priority
        }
        var ids: [Place: [JobID]] = [:]
        var order: [Place] = []
        for job in jobs {
            let place = Place(queue: job.queue, priority: job.priority)
            if ids[place, default: []].isEmpty { order.append(place) }
            ids[place, default: []].append(job.id)
        }
        var windows: [[KeyedCommand]] = []
        for place in order {
            let list = keys.list(place.queue, place.priority)
            var rest = ids[place, default: []][...]
            while !rest.isEmpty {
                let push = KeyedCommand(push: rest.prefix(RedisLimits.idsPerPush), onto: list)
                rest = rest.dropFirst(RedisLimits.idsPerPush)
                if windows.last?.count ?? .max < RedisLimits.pushesPerWindow {
                    windows[windows.count - 1].append(push)
                } else {
                    windows.append([push])
                }
            }
        }
        return windows
    }

    func error(_ fault: RedisFault) -> AnnouncerError {
        lastFault.withLock { $0 = fault }
        return AnnouncerError(text(of: fault))
    }

    func text(of fault: RedisFault) -> String { "\(place): \(fault.text)" }
}
