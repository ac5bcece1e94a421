import Tasq

/// Schedules, with their next five ticks.
extension Dashboard {
    func schedules(_ visit: Visit) async throws(Problem) -> Page {
        let schedules = try await read { () async throws(StoreError) in
            try await queue.schedules()
        }
        let headings =
            ["Schedule", "State", "Cron", "Zone", "Kind", "Queue", "Last tick", "~Next ticks"]
            + (visit.mayAct ? ["Action"] : [])
        let rows = schedules.map { schedule in
            Self.cells(of: schedule) + (visit.mayAct ? [Self.action(on: schedule)] : [])
        }
        return Page(title: "Schedules") {
            """
            <h1>Schedules</h1>\(Self.table(headings, rows, empty: "There is no schedule."))
            <p class="dim">Times are UTC. A schedule is put in by tasq schedules add, by a configuration or over
            the API.</p>
            """
        }
    }

    private static func cells(of schedule: ScheduleRecord) -> [Markup] {
        let entry = schedule.entry
        let state: Markup =
            schedule.isPaused ? "<span class=\"paused\">paused</span>" : "open"
        let ticks = schedule.ticks().map(plain).joined(separator: ", ")
        let next: Markup =
            schedule.problem.map { "<span class=\"error\">\($0)</span>" as Markup } ?? "\(ticks)"
        return [
            "\(entry.name)", state, "\(entry.cron)", "\(entry.zone)",
            "<a href=\"/jobs?kind=\(entry.kind)\">\(entry.kind)</a>", "\(entry.queue)",
            schedule.lastTick.map { moment($0) } ?? "–", next,
        ]
    }

    /// The cell of a table with the link to what can be done with a schedule.
    private static func action(on schedule: ScheduleRecord) -> Markup {
        let (word, name) = (
            (schedule.isPaused ? Deed.resume : .pause).rawValue, schedule.entry.name
        )
        return """
            <a class="button" href="/schedules/\(word)?schedule=\(name)" aria-label="\(word) \(name)">\(word)</a>
            """
    }

    /// By the query, as with queues.
    var scheduleForms: [Route] {
        [Deed.pause, .resume].flatMap { deed -> [Route] in
            [
                page("/schedules/\(deed.rawValue)", .operate) { visit async throws(Problem) in
                    try await question(deed, ofSchedule: visit)
                },
                form("/schedules/\(deed.rawValue)", with: ["schedule"]) {
                    _, form async throws(Problem) in
                    guard let name = try form.name("schedule") else { throw .notFound }
                    let exists = try await read { () async throws(StoreError) in
                        try await queue.setPaused(deed == .pause, schedule: name)
                    }
                    guard exists else { throw .notFound }
                    return "/schedules"
                },
            ]
        }
    }

    private func question(
        _ deed: Deed, ofSchedule visit: Visit
    ) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: ["schedule"])
        guard let name = try query.name("schedule") else { throw .notFound }
        let found = try await read { () async throws(StoreError) in
            try await queue.schedule(named: name)
        }
        guard let schedule = found else { throw .notFound }
        let effect =
            deed == .pause
            ? "It ticks no more until it is resumed; ticks until then are not missed."
            : "It ticks again, from its first tick after now."
        return Page(
            asking: deed == .pause ? "Pause this schedule?" : "Resume this schedule?",
            """
            <p>\(name) is \(schedule.isPaused ? "paused" : "open"): \(schedule.entry.cron) in
            \(schedule.entry.zone). \(effect)</p>
            """,
            Form(
                target: "/schedules/\(deed.rawValue)",
                fields: [("schedule", name.description)],
                button: deed == .pause ? "Pause it" : "Resume it", back: "/schedules",
                code: visit.code))
    }
}
