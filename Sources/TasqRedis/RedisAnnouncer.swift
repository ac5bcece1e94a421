public import Logging
import NIOCore
import NIOPosix
public import Tasq

/// The doorbell on Redis: lists of job ids, and a blocking take over them.
///
/// Commands of all callers share one connection and are pipelined; every take that waits has a
/// connection of its own, at most eight at once. Connections are made when they are wanted and made
/// anew when lost, after a backoff of 50 ms to 2 s. Nothing waits longer than its deadline, whatever
/// the server or the network does: a connection that misses one is given up.
public final class RedisAnnouncer: Announcer {
    let keys: Keys
    let place: String
    let commands: CommandLink
    let takes: TakeConnections
    let outages: OutageLog
    let tally = Tally()
    let logger: Logger

    /// Connects to nothing yet; the first call does.
    public init(_ settings: RedisSettings, logger: Logger) {
        let dialer = Dialer(
            settings: settings, eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        keys = Keys(prefix: settings.prefix)
        place = settings.safeDescription
        commands = CommandLink(dialer, tally)
        takes = TakeConnections(dialer, tally)
        outages = OutageLog(settings.safeDescription, logger)
        self.logger = logger
    }

    /// Nothing is left open by one that was forgotten; ``close()`` also waits.
    deinit {
        takes.shutDown()
        commands.shutDown()
    }

    /// Always: this is the doorbell.
    public var rings: Bool { true }

    /// What it has done so far.
    package var counts: AnnouncerCounts { tally.current }

    /// Announces jobs on their lists, in order.
    ///
    /// Returns when Redis has answered, but after 100 ms at the latest: the answer is then counted
    /// when it comes. While Redis is known to be out of order it returns at once.
    public func announce(_ jobs: [Announcement]) async {
        var last: EventLoopFuture<[Reply]>?
        for window in Push.windows(of: jobs, keys) {
            let answers = commands.send(
                Push.commands(of: window), within: RedisLimits.announceTime, .failsFast)
            answers.whenComplete { result in
                _ = self.account(result.mapError(RedisFault.init(connectionError:)), for: window)
            }
            last = answers
        }
        _ = await last?.settled(within: RedisLimits.patience)
    }

    /// Like ``announce(_:)``, but waits for every answer, two seconds at most for each portion of
    /// 64,000 ids, and throws the first failure.
    public func refill(_ jobs: [Announcement]) async throws(AnnouncerError) {
        for window in Push.windows(of: jobs, keys) {
            let result = await commands.send(
                Push.commands(of: window), within: RedisLimits.answerTime
            ).answer()
            if let fault = account(result, for: window) { throw error(fault) }
        }
    }

    /// Closes every connection and waits until it is closed. Whoever waits here gets an error.
    public func close() async {
        for connection in takes.shutDown() + commands.shutDown() {
            _ = await connection.closed.settled()
        }
    }

    /// Counts what became of pushes; the first fault among them.
    private func account(_ result: Result<[Reply], RedisFault>, for pushes: [Push]) -> RedisFault? {
        switch result {
        case .failure(let fault):
            outages.failed(.announcing, fault)
            tally.update { counts in
                counts.announceFailures += pushes.reduce(0) { $0 + $1.ids.count }
            }
            return fault
        case .success(let replies):
            var first: RedisFault?
            for (push, reply) in zip(pushes, replies) {
                if case .error(let text) = reply {
                    let fault = RedisFault.answer(text, about: push.list)
                    first = first ?? fault
                    outages.failed(.announcing, fault, on: push.list)
                    tally.update { $0.announceFailures += push.ids.count }
                } else {
                    outages.succeeded(.announcing, on: push.list)
                    tally.update { $0.announced += push.ids.count }
                }
            }
            return first
        }
    }

    func error(_ fault: RedisFault) -> AnnouncerError {
        AnnouncerError("\(place): \(fault.text)")
    }
}

/// Ids for one list, as many as one command carries.
struct Push: Sendable {
    let list: String
    let ids: ArraySlice<JobID>

    /// Jobs by list, each list in the given order, in portions that are sent at once.
    static func windows(of jobs: [Announcement], _ keys: Keys) -> [[Push]] {
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
        var windows: [[Push]] = []
        for place in order {
            var rest = ids[place, default: []][...]
            while !rest.isEmpty {
                let push = Push(
                    list: keys.list(place.queue, place.priority),
                    ids: rest.prefix(RedisLimits.idsPerPush))
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

    static func commands(of pushes: [Push]) -> Commands {
        var commands = Commands()
        for push in pushes { commands.append(["LPUSH", push.list], push.ids) }
        return commands
    }
}
