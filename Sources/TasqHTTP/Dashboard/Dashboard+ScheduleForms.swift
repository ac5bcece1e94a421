import Tasq

/// What changes a schedule; each page shows its next five ticks before anything is changed.
extension Dashboard {
    /// By the query, as with queues.
    var scheduleForms: [Route] {
        let pauses = [Deed.pause, .resume].flatMap { deed -> [Route] in
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
        return editForms + pauses
    }

    private var editForms: [Route] {
        [
            page("/schedules/edit", .operate) { visit async throws(Problem) in
                try await edit(visit)
            },
            form("/schedules/edit", with: Self.editFields) { _, form async throws(Problem) in
                let schedule = try await schedule(named: form)
                let entry = try Self.edited(schedule.entry, by: form)
                do {
                    try await queue.schedule([entry])
                } catch {
                    throw ScheduleRoutes.problem(error)
                }
                return "/schedules"
            },
        ]
    }

    /// The schedule that a query or a form names.
    private func schedule(named query: Query) async throws(Problem) -> ScheduleRecord {
        guard let name = try query.name("schedule") else { throw .notFound }
        let found = try await read { () async throws(StoreError) in
            try await queue.schedule(named: name)
        }
        guard let found else { throw .notFound }
        return found
    }

    private func question(
        _ deed: Deed, ofSchedule visit: Visit
    ) async throws(Problem) -> Page {
        let schedule = try await schedule(named: Query(visit.query, allowing: ["schedule"]))
        let name = schedule.entry.name
        let effect =
            deed == .pause
            ? "It ticks no more until it is resumed; ticks until then are not missed."
            : "It ticks again, from its first tick after now."
        let ticks = schedule.timing.map { Self.ticks(of: $0) } ?? ""
        let problem = schedule.problem.map { Self.error("it does not tick: \($0)") } ?? ""
        return Page(
            asking: deed == .pause ? "Pause this schedule?" : "Resume this schedule?",
            """
            <p>\(name) is \(schedule.isPaused ? "paused" : "open"): \(schedule.entry.cron) in
            \(schedule.entry.zone). \(effect)</p>\(problem)\(ticks)
            """,
            Form(
                target: "/schedules/\(deed.rawValue)",
                fields: [("schedule", name.description)],
                button: deed == .pause ? "Pause it" : "Resume it", back: "/schedules",
                code: visit.code))
    }

    private static let editFields: Set = ["schedule", "cron", "zone", "clock_change", "missed"]

    private static func error(_ text: String) -> Markup { "<p class=\"error\">\(text)</p>" }

    /// When a schedule is to tick, what that means, and the form that saves it if it makes sense.
    private func edit(_ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: Self.editFields)
        let schedule = try await schedule(named: query)
        let entry = try Self.edited(schedule.entry, by: query)
        let name = entry.name
        let outcome: Markup
        do throws(InvalidInput) {
            let form = Form(
                target: "/schedules/edit",
                fields: [
                    ("schedule", name.description), ("cron", entry.cron), ("zone", entry.zone),
                    ("clock_change", entry.clockChange.rawValue),
                    ("missed", entry.missed.rawValue),
                ], button: "Save it", back: "/schedules", code: visit.code)
            let timing = try entry.check()
            outcome = "\(Self.ticks(of: timing))\(form.markup())"
        } catch {
            outcome = Self.error(error.description)
        }
        let origin: Markup =
            schedule.isConfigured
            ? "<p>It stands in a configuration, which puts it back when it is read again.</p>" : ""
        var page = Page(title: "Edit \(name)") {
            """
            <h1>Edit \(name)</h1><form class="filters" method="get" action="/schedules/edit">
            <input type="hidden" name="schedule" value="\(name)">\(Self.field("cron", entry.cron))
            \(Self.field("zone", entry.zone))\(Self.selection("clock_change", entry.clockChange))
            \(Self.selection("missed", entry.missed))<button>Show its ticks</button></form>
            <div class="card ask">\(origin)\(outcome)</div>
            """
        }
        page.isStill = true
        return page
    }

    /// A schedule with what a query or a form says of when it ticks.
    private static func edited(
        _ entry: ScheduleEntry, by query: Query
    ) throws(Problem) -> ScheduleEntry {
        var entry = entry
        entry.cron = try query.value("cron") { $0 } ?? entry.cron
        entry.zone = try query.value("zone") { $0 } ?? entry.zone
        entry.clockChange =
            try query.value("clock_change") { text throws(InvalidInput) -> ClockChange in
                try oneOf(text, field: "clock_change")
            } ?? entry.clockChange
        entry.missed =
            try query.value("missed") { text throws(InvalidInput) -> MissedTicks in
                try oneOf(text, field: "missed")
            } ?? entry.missed
        return entry
    }

    /// A field with a list of all that it may be.
    private static func selection<Value: RawRepresentable<String> & CaseIterable & Equatable>(
        _ name: String, _ value: Value
    ) -> Markup {
        let options = Markup(each: Value.allCases) { one in
            "<option\(one == value ? " selected" : "" as Markup)>\(one.rawValue)</option>"
        }
        return "<label>\(name) <select name=\"\(name)\">\(options)</select></label>"
    }
}
