/// What the first look at Redis found worth a second one.
struct Announcements: Sendable {
    /// Queued in the table, not on the lists of its queue.
    var missing: [JobID: Name] = [:]
    /// On a list, not queued in the table.
    var stale: [JobID: Place] = [:]
    /// Elements that are no ids, by list.
    var strange: Set<Place> = []

    /// A list.
    struct Place: Sendable, Hashable {
        let queue: Name
        let priority: Priority
    }

    var isEmpty: Bool { missing.isEmpty && stale.isEmpty && strange.isEmpty }
}

extension Verification {
    /// Compares the lists of every queue with its queued rows.
    func lookAtLists(_ report: inout VerificationReport) async throws -> Announcements {
        var found = Announcements()
        var queues = Set(try await catalog.queues().map(\.name))
        queues.formUnion(try await announcer.announcedQueues())
        for queue in queues.sorted(by: { $0.description < $1.description }) {
            let depth = try await announcer.depths(of: [queue])[queue] ?? 0
            let passes = max(1, (depth + idsAtOnce - 1) / idsAtOnce)
            for pass in 0..<passes {
                try await compare(queue, pass, of: passes, &found, &report)
            }
            progress("\(report.announced) announced ids looked at")
        }
        return found
    }

    /// One pass over a queue: the ids whose digest falls to it. Redis is read before the table, so
    /// that what is taken and claimed meanwhile shows as stale, and what is enqueued meanwhile as
    /// missing; the second look clears both.
    private func compare(
        _ queue: Name, _ pass: Int, of passes: Int, _ found: inout Announcements,
        _ report: inout VerificationReport
    ) async throws {
        var listed: [JobID: Priority] = [:]
        for priority in Priority.all {
            let place = Announcements.Place(queue: queue, priority: priority)
            try await walk(place) { element in
                guard let id = JobID(element) else {
                    if pass == 0 { found.strange.insert(place) }
                    return
                }
                guard id.falls(to: pass, of: passes) else { return }
                listed[id] = priority
            }
        }
        report.announced += listed.count
        var cursor: QueuedCursor? = QueuedCursor(
            queue: queue, priority: Priority(unchecked: 0), runAt: Timestamp(microseconds: 0),
            id: JobID(high: 0, low: 0))
        while let start = cursor {
            let page = try await store.queued(after: start, limit: pageLimit)
            let own = page.jobs.filter { $0.queue == queue }
            for job in own where job.id.falls(to: pass, of: passes) {
                guard listed.removeValue(forKey: job.id) == nil else { continue }
                if found.missing.count < Self.violationLimit {
                    found.missing[job.id] = queue
                } else {
                    report.isCut = true
                }
            }
            cursor = own.count == page.jobs.count ? page.next : nil
        }
        for (id, priority) in listed {
            if found.stale.count < Self.violationLimit {
                found.stale[id] = Announcements.Place(queue: queue, priority: priority)
            } else {
                report.waitingToBeDropped += 1
                if namesIDs { report.isCut = true }
            }
        }
    }

    /// Looks again at what seemed wrong, and at nothing else.
    func lookAgain(
        at first: Announcements, _ report: inout VerificationReport
    ) async throws {
        var present: Set<JobID> = []
        var strange: Set<Announcements.Place> = []
        var places = Set(first.stale.values).union(first.strange)
        for queue in Set(first.missing.values) {
            places.formUnion(Priority.all.map { .init(queue: queue, priority: $0) })
        }
        for place in places {
            try await walk(place) { element in
                guard let id = JobID(element) else {
                    strange.insert(place)
                    return
                }
                if first.missing[id] != nil || first.stale[id] != nil { present.insert(id) }
            }
        }
        // What was taken from a list just before it was read is claimed by the time of this pause.
        try await Task.sleep(for: Self.takenPause)
        let queued = try await announceable(Array(first.missing.keys) + Array(first.stale.keys))
        for id in first.missing.keys.sorted(by: Self.byText)
        where queued[id] == true && !present.contains(id) {
            report.violations.append(.init(kind: .queuedNotAnnounced, subject: id.description))
        }
        let stale = first.stale.keys.filter { queued[$0] == nil && present.contains($0) }
        report.waitingToBeDropped += stale.count
        if namesIDs {
            report.violations += stale.sorted(by: Self.byText).map {
                Violation(kind: .announcedNotQueued, subject: $0.description)
            }
        }
        for place in first.strange.intersection(strange).sorted(by: { "\($0)" < "\($1)" }) {
            report.violations.append(
                .init(kind: .announcedNoID, subject: "\(place.queue):\(place.priority.level)"))
        }
    }

    /// Which of these are queued, and whether each ought to be announced.
    private func announceable(_ ids: [JobID]) async throws -> [JobID: Bool] {
        var answers: [JobID: Bool] = [:]
        var rest = ids[...]
        while !rest.isEmpty {
            let page = try await catalog.announceable(Array(rest.prefix(pageLimit)))
            answers.merge(page) { $1 }
            rest = rest.dropFirst(pageLimit)
        }
        return answers
    }

    /// Every element of a list, from the end where new ones come in: those that come meanwhile
    /// push the others on, so one may be seen twice, but none is missed.
    private func walk(
        _ place: Announcements.Place, _ each: (String) -> Void
    ) async throws {
        var index = 0
        while true {
            try Task.checkCancellation()
            let page = try await announcer.announced(
                on: place.queue, place.priority, from: index, limit: pageLimit)
            for element in page { each(element) }
            guard page.count == pageLimit else { return }
            index += page.count
        }
    }

    private static func byText(_ left: JobID, _ right: JobID) -> Bool {
        left.description < right.description
    }
}

extension JobID {
    /// Whether this id belongs to one of several passes. The low bits of a UUID are random.
    fileprivate func falls(to pass: Int, of passes: Int) -> Bool {
        low % UInt64(passes) == UInt64(pass)
    }
}
