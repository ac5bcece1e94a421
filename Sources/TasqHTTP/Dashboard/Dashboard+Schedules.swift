import Tasq

/// Schedules, with their next five ticks; what changes one stands in `Dashboard+ScheduleForms`.
extension Dashboard {
    func schedules(_ visit: Visit) async throws(Problem) -> Page {
        let schedules = try await read { () async throws(StoreError) in
            try await queue.schedules()
        }
        let headings =
            ["Schedule", "State", "Cron", "Zone", "Kind", "Queue", "Last tick", "~Next ticks"]
            + (visit.mayAct ? ["Action"] : [])
        let rows = schedules.map { schedule in
            Self.cells(of: schedule) + (visit.mayAct ? [Self.actions(on: schedule)] : [])
        }
        return Page(title: "Schedules") {
            """
            <h1>Schedules</h1>\(Self.table(headings, rows, empty: "There is no schedule."))
            <p class="dim">Times are UTC. A schedule is put in by tasq schedules add, by a configuration or over
            the API, and stays what it was when it is edited here, but for when it ticks.</p>
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

    /// When it ticks next, by the clocks of its zone, and what may be read otherwise.
    static func ticks(of timing: Timing) -> Markup {
        let ticks = timing.ticks(after: .now, count: 5)
        guard !ticks.isEmpty else { return "<p>It ticks no more.</p>" }
        let list = Markup(each: ticks) { tick in
            """
            <li><time datetime="\(tick)" title="\(utc(tick))">\(timing.zone.text(tick))</time></li>
            """
        }
        let remarks = Markup(each: timing.cron.remarks) { remark in "<p>\(remark)</p>" }
        return "<p>Its next ticks:</p><ul>\(list)</ul>\(remarks)"
    }

    /// The cell of a table with the links to what can be done with a schedule.
    private static func actions(on schedule: ScheduleRecord) -> Markup {
        let isStill = schedule.isPaused || schedule.problem != nil
        let words = ["edit", (isStill ? Deed.resume : .pause).rawValue]
        let name = schedule.entry.name
        return Markup(each: words) { word in
            """
            <a class="button" href="/schedules/\(word)?schedule=\(name)" aria-label="\(word) \(name)">\(word)</a>
            """
        }
    }
}
