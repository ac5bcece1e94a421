import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq replay`: `tasq events replay` by its shorter name.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: EventsCommand.Replay.configuration.abstract,
        discussion: EventsCommand.Replay.configuration.discussion)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var selection: ReplaySelection

    func run() async throws { try await selection.replay(global) }
}

extension EventsCommand {
    /// `tasq events replay`.
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run stored webhook events again.",
            discussion: """
                Makes new jobs like those each event made first, beside which none is made while its \
                unique key is taken. With filters the events are looked up first, a million at most, \
                then replayed the oldest first. Filters that leave out no event, and none at all, ask \
                first, or want --yes.
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var selection: ReplaySelection

        func run() async throws { try await selection.replay(global) }
    }
}

/// Which events to run again, and how fast.
struct ReplaySelection: ParsableArguments {
    @Argument(help: ArgumentHelp("The events; or use filters.", valueName: "id"))
    var ids: [String] = []

    @OptionGroup var filters: EventFilterOptions

    @Option(help: ArgumentHelp("Events a second, at most.", valueName: "n/s"))
    var rate = "100/s"

    @Flag(help: "Do not ask where the filters leave out no event.")
    var yes = false

    @Flag(help: "Print how many events match and change nothing.")
    var dryRun = false

    @Flag(help: "Print JSON: one object an event, or one for all that match filters.")
    var json = false

    /// Replays them; exits with 1 when some of those named were refused.
    func replay(_ global: GlobalOptions) async throws {
        let filter = try filters.filter()
        let ids = try ids.map { try eventID($0, field: "the id") }
        let text = self.rate.hasSuffix("/s") ? String(self.rate.dropLast(2)) : self.rate
        let rate = try flag("--rate", text) { try number($0, in: ReplayRequest.rates) }
        guard ids.isEmpty || (filter == EventFilter() && !dryRun) else {
            throw Failure(
                .usage, "give ids or filters, not both: filters pick events by themselves")
        }
        let configuration = try global.load([.database, .redis])
        try await Connections.with(configuration) { connections in
            let run = ReplayForeground(connections: connections, rate: rate, json: json)
            guard ids.isEmpty else { return try await run.replay(ids) }
            if !dryRun, !yes, try await connections.store.takesAll(filter) {
                try Consent.ask(
                    "The filters leave out no event: replay every event?",
                    else: "the filters leave out no event: give --yes to replay every event, "
                        + "or a narrower filter")
            }
            try await run.replay(matching: filter, dryRun: dryRun)
        }
    }
}

/// A replay as a command does it: here and now, with a progress bar.
private struct ReplayForeground {
    let connections: Connections
    let rate: Int
    let json: Bool

    private static let page = 1000

    /// What became of the events that were come to.
    private struct Counts {
        var replayed = 0
        /// Of which no job was made.
        var passedOver = 0
        var jobs = 0
    }

    private var queue: Queue { connections.queue }

    /// One line for each of these, and a refusal for each that is none.
    func replay(_ ids: [PayloadID]) async throws {
        let queue = queue
        let start = ContinuousClock.now
        var refusals: [String] = []
        for (index, id) in ids.enumerated() {
            try await pause(before: index, since: start)
            let answers = try await queue.replay(id, from: connections.store) ?? []
            let jobs = answers.filter { $0.isNew }.map { $0.id.description }
            guard !jobs.isEmpty else {
                let why = try await refusal(of: id, answers)
                refusals.append("event \(id) \(why)")
                continue
            }
            try StandardOutput.line(
                json
                    ? JSON.object([
                        "id": .text(id), "jobs": .array(jobs.map { .string($0) }),
                    ]).text : "\(id) replayed as \(jobs.joined(separator: ", "))")
        }
        await queue.flush()
        guard refusals.isEmpty else {
            throw Failure(.refused, refusals.joined(separator: "\n"))
        }
    }

    /// Why no job was made of an event.
    private func refusal(of id: PayloadID, _ answers: [Enqueued]) async throws -> String {
        if let holder = answers.first?.id {
            return "has a unique key that an unfinished job has taken: wait for job \(holder)"
        }
        let event = try await connections.store.event(id)
        return event == nil ? "is not there" : "has no job left to copy"
    }

    /// All that match, the oldest first: a replay that broke off goes on from a time.
    func replay(matching filter: EventFilter, dryRun: Bool) async throws {
        let progress = Progress(isShown: StandardError.isTerminal)
        defer { progress.clear() }
        let events = try await events(matching: filter, progress)
        var counts = Counts()
        if !dryRun {
            let queue = queue
            let start = ContinuousClock.now
            for (index, id) in events.reversed().enumerated() {
                do {
                    try await pause(before: index, since: start)
                    let answers = try await queue.replay(id, from: connections.store) ?? []
                    let made = answers.count { $0.isNew }
                    counts.jobs += made
                    if made == 0 { counts.passedOver += 1 } else { counts.replayed += 1 }
                } catch {
                    progress.clear()
                    await queue.flush()
                    let failure = Failure(error)
                    throw Failure(
                        failure.code,
                        failure.text + "; \(counts.replayed) events are replayed, "
                            + "--since \(id.time) goes on with the rest")
                }
                // Who breaks it off is left with where to go on.
                progress.show("\(index + 1) of \(events.count) events, up to \(id.time)")
            }
            await queue.flush()
        }
        progress.clear()
        try report(counts, matched: events.count, dryRun: dryRun)
    }

    /// The newest first.
    private func events(
        matching filter: EventFilter, _ progress: Progress
    ) async throws -> [PayloadID] {
        var found: [PayloadID] = []
        var next: PayloadID?
        repeat {
            let page = try await connections.store.events(
                matching: filter, after: next, limit: Self.page)
            found += page.events.map(\.id)
            next = page.next
            guard found.count <= ReplayRequest.eventLimit else {
                throw Failure(
                    .refused,
                    "more than \(ReplayRequest.eventLimit) events match: give --since and --until")
            }
            if let next { progress.show("searched back to \(next.time), \(found.count) found") }
        } while next != nil
        return found
    }

    /// Waits until it is the turn of so many events at the rate.
    private func pause(before count: Int, since start: ContinuousClock.Instant) async throws {
        let due = start + .microseconds(Int64(count) * 1_000_000 / Int64(rate))
        let rest: Duration = due - .now
        if rest > .zero { try await Task.sleep(for: rest) }
    }

    private func report(_ counts: Counts, matched: Int, dryRun: Bool) throws {
        if json {
            return try StandardOutput.line(
                JSON.object([
                    "dry_run": .bool(dryRun), "matched": .int(matched),
                    "replayed": .int(counts.replayed), "jobs": .int(counts.jobs),
                    "passed_over": .int(counts.passedOver),
                ]).text)
        }
        if dryRun { return try StandardOutput.line("\(matched) match") }
        try StandardOutput.line(
            "\(counts.replayed) replayed as \(counts.jobs) jobs"
                + (counts.passedOver > 0
                    ? ", \(counts.passedOver) passed over: no job left to copy, or its key is taken"
                    : ""))
    }
}
