import Logging

/// Takes ids off the lists whose jobs are not queued any more, where no worker takes them.
///
/// A worker that polls claims rows and leaves their ids where they are, and so does a sweep. Where
/// workers take, a list's oldest id is soon another one, so only a list whose oldest id is the one of
/// the look before is looked into: first at a few ids, then, while all are of jobs that are not
/// queued any more, at a thousand at a time. Only those ids are removed, and after that the table is
/// asked once more: what was queued again meanwhile is announced again. An id that goes wrong all the
/// same, as in a crash between the two, costs nothing but latency, for a sweep finds its row.
struct Weeder: Sendable {
    /// What the holder of the maintenance term knows.
    struct Outlook: Sendable {
        /// The queues that some worker serves.
        var queues: [Name]
        /// Jobs run.
        var isBusy: Bool
    }

    /// Ids that are looked at first, and then at a time.
    static let sample = 16
    static let portion = 1000
    static let portionsPerLook = 50
    /// Between two looks: while there was something to see, and the longest while jobs run and while
    /// none do.
    static let pause = Duration.seconds(1)
    static let busyPause = Duration.seconds(4)
    static let idlePause = Duration.seconds(32)
    /// Queues that are remembered to have lists though nobody serves them any more.
    static let rememberedQueues = 1000

    private struct List: Hashable {
        let queue: Name
        let priority: Priority
    }

    let store: any ClaimStore
    let doorbell: Doorbell
    let meters: Meters
    let logger: Logger
    /// `nil` while somebody else holds the term, the lists are being filled anew, or another
    /// database's ids may stand on them.
    let outlook: @Sendable () -> Outlook?

    private var announcer: any Announcer { doorbell.announcer }

    /// Looks until cancelled.
    func run() async {
        var memory = Memory()
        var pause = Self.pause
        var last = ContinuousClock.now
        while await sleep(for: Self.pause) {
            guard let outlook = outlook() else {
                (memory, pause) = (Memory(), Self.pause)
                continue
            }
            let longest = outlook.isBusy ? Self.busyPause : Self.idlePause
            guard ContinuousClock.now - last >= min(pause, longest) - Self.pause / 2 else {
                continue
            }
            last = .now
            var hasNews = false
            do {
                hasNews = try await look(at: outlook.queues, &memory)
            } catch {
                logger.debug("cannot look at the lists", metadata: ["error": "\(error)"])
            }
            pause = hasNews ? Self.pause : min(pause * 2, Self.idlePause)
        }
    }

    /// What one look leaves to the next.
    private struct Memory {
        /// The oldest id of each list that is not empty.
        var oldest: [List: String] = [:]
        /// Portions that this look may still read.
        var portions = 0
    }

    /// One look; whether the next one may find more.
    private func look(at served: [Name], _ memory: inout Memory) async throws -> Bool {
        let known = Set(memory.oldest.keys.map(\.queue)).prefix(Self.rememberedQueues)
        let queues = Set(served).union(known)
        var oldest: [List: String] = [:]
        var hasNews = false
        memory.portions = Self.portionsPerLook
        for (queue, depth) in try await announcer.depths(of: Array(queues)) where depth > 0 {
            for priority in Priority.all {
                let list = List(queue: queue, priority: priority)
                guard let first = try await self.first(of: list) else { continue }
                oldest[list] = first
                if first != memory.oldest[list] {
                    hasNews = true
                } else if try await weed(list, &memory.portions) {
                    hasNews = true
                    oldest[list] = try await self.first(of: list)
                }
            }
        }
        memory.oldest = oldest
        return hasNews
    }

    private func first(of list: List) async throws(AnnouncerError) -> String? {
        try await announcer.announced(on: list.queue, list.priority, from: -1, limit: 1).first
    }

    /// Whether anything went.
    private func weed(_ list: List, _ portions: inout Int) async throws -> Bool {
        var count = Self.sample
        var isWeeded = false
        while portions > 0, outlook() != nil, !Task.isCancelled {
            portions -= 1
            let elements = try await announcer.announced(
                on: list.queue, list.priority, from: -count, limit: count)
            let ids = elements.map { JobID($0) }
            let queued = Set(
                try await store.stillQueued(ids.compactMap { $0 }).map(\.announcement.id))
            // The oldest, up to the first that is worth a look. What is no id is none, and stays.
            let gone = ids.reversed().prefix { id in id.map { !queued.contains($0) } ?? true }
            let withdrawn = try await withdraw(gone.compactMap { $0 }, from: list)
            meters.withdrawn.add(withdrawn)
            if withdrawn > 0 { isWeeded = true }
            guard withdrawn > 0, gone.count == count else { break }
            count = Self.portion
        }
        return isWeeded
    }

    /// A job that was queued and announced again since it was looked at has lost its announcement
    /// with that: it gets another one, whether all went well or not.
    private func withdraw(_ ids: [JobID], from list: List) async throws -> Int {
        guard !ids.isEmpty else { return 0 }
        let withdrawn: Result<Int, AnnouncerError>
        do throws(AnnouncerError) {
            withdrawn = .success(
                try await announcer.withdraw(ids, from: list.queue, list.priority))
        } catch {
            withdrawn = .failure(error)
        }
        doorbell.ring(try await store.stillQueued(ids).map(\.announcement))
        return try withdrawn.get()
    }
}
