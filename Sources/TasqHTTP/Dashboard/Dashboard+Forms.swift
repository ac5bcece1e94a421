import NIOHTTP1
import Tasq

/// What changes something: each a page that asks, by its own address, and the form on that page. So
/// it works without a script, and nothing is changed by following a link.
extension Dashboard {
    var jobForms: [Route] {
        JobAction.allCases.flatMap { action -> [Route] in
            [
                page("/jobs/{id}/\(action.rawValue)", .operate) { visit async throws(Problem) in
                    try await question(action, visit)
                },
                form("/jobs/{id}/\(action.rawValue)") { visit, _ async throws(Problem) in
                    guard let id = JobID(visit.id) else { throw .notFound }
                    _ = try await queue.act(action, on: id)
                    let there = action == .delete ? "/jobs" : "/jobs/\(id)"
                    return "\(there)?done=\(action.rawValue)"
                },
            ]
        }
    }

    /// The links to what can be done with a job as it stands.
    static func actions(on job: JobRecord, for visit: Visit) -> Markup {
        guard visit.mayAct else { return "" }
        let actions = JobAction.allCases.filter { $0.statuses.contains(job.status) }
        return """
            <nav class="actions" aria-label="Actions">\(Markup(each: actions) { action in
                "<a class=\"button\" href=\"/jobs/\(job.id)/\(action.rawValue)\">\(action.title)</a>"
            })</nav>
            """
    }

    private func question(_ action: JobAction, _ visit: Visit) async throws(Problem) -> Page {
        guard let id = JobID(visit.id) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in try await catalog.job(id) }
        guard let job = found else { throw .notFound }
        guard action.statuses.contains(job.status) else {
            throw .wrongState(job.status, for: action)
        }
        return Page(
            asking: "\(action.title) this job?",
            """
            <p><a href="/jobs/\(id)">\(job.kind) <span class="id">\(id)</span></a> on queue \(job.queue) is
            <span class="\(job.status.rawValue)">\(job.status.rawValue)</span>, attempt \(job.attempt) of
            \(job.maxAttempts). \(action.consequence)</p>
            """,
            Form(
                target: "/jobs/\(id)/\(action.rawValue)", button: "\(action.title) it",
                back: "/jobs/\(id)", code: visit.code))
    }

    /// By the query, not the path: browsers take a name such as `..` in a path for a way up.
    var queueForms: [Route] {
        [Deed.pause, .resume].flatMap { deed -> [Route] in
            [
                page("/queues/\(deed.rawValue)", .operate) { visit async throws(Problem) in
                    try await question(deed, visit)
                },
                form("/queues/\(deed.rawValue)", with: ["queue"]) {
                    _, form async throws(Problem) in
                    guard let name = try form.name("queue") else { throw .notFound }
                    try await queue.set(name, paused: deed == .pause)
                    return "/queues?done=\(deed.rawValue)"
                },
            ]
        }
    }

    /// The cell of a table with the link to what can be done with a queue.
    static func action(on queue: QueueRecord) -> Markup {
        let word = (queue.isPaused ? Deed.resume : .pause).rawValue
        return """
            <a class="button" href="/queues/\(word)?queue=\(queue.name)" aria-label="\(word) \(queue.name)">\(word)</a>
            """
    }

    private func question(_ deed: Deed, _ visit: Visit) async throws(Problem) -> Page {
        let query = try Query(visit.query, allowing: ["queue"])
        let name = try query.name("queue")
        let queues = try await read { () async throws(StoreError) in try await catalog.queues() }
        guard let queue = queues.first(where: { $0.name == name }) else { throw .notFound }
        let effect =
            deed == .pause
            ? "No worker takes a job of it until it is resumed. What runs goes on."
            : "Its jobs run again as soon as a worker has a slot for them."
        return Page(
            asking: deed == .pause ? "Pause this queue?" : "Resume this queue?",
            """
            <p><a href="/jobs?queue=\(queue.name)">\(queue.name)</a> is \(queue.isPaused ? "paused" : "open"):
            \(queue.queuedText) queued, \(queue.scheduledText) scheduled, \(queue.executing) executing.
            \(effect)</p>
            """,
            Form(
                target: "/queues/\(deed.rawValue)", fields: [("queue", queue.name.description)],
                button: deed == .pause ? "Pause it" : "Resume it", back: "/queues",
                code: visit.code))
    }

    var eventForms: [Route] {
        [
            page("/events/{id}/replay", .operate) { visit async throws(Problem) in
                let event = try await storedEvent(visit)
                let jobs = try await mark(ofJobsOf: event)
                return Page(
                    asking: "Replay this event?",
                    """
                    <p><a href="/events/\(event.id)">\(event.source) <span class="id">\(event.id)</span></a>
                    makes new jobs like those it made first. One whose unique key an unfinished job
                    holds is not made. Each replay makes new ones.</p>
                    """,
                    Form(
                        target: "/events/\(event.id)/replay", fields: [("jobs", jobs)],
                        button: "Replay it", back: "/events/\(event.id)", code: visit.code))
            },
            form("/events/{id}/replay", with: ["jobs"]) { visit, form async throws(Problem) in
                let event = try await storedEvent(visit)
                // A browser sends a form again at a second click, or when the answer is reloaded.
                if let jobs = try form.value("jobs", { $0 }) {
                    guard try await mark(ofJobsOf: event) == jobs else {
                        throw .replayedMeanwhile
                    }
                }
                _ = try await queue.run(again: event.id, from: catalog)
                return "/events/\(event.id)?done=replay"
            },
        ]
    }

    /// What is another after a replay: how many jobs of an event there are, and the newest of them.
    private func mark(ofJobsOf event: EventRecord) async throws(Problem) -> String {
        let jobs = try await read { () async throws(StoreError) in
            try await catalog.jobs(of: event.id)
        }
        return "\(jobs.count) \(jobs.first?.id.description ?? "")"
    }

    static func actions(on event: EventRecord, for visit: Visit) -> Markup {
        guard visit.mayAct else { return "" }
        return """
            <nav class="actions" aria-label="Actions"><a class="button" href="/events/\(event.id)/replay">Replay</a></nav>
            """
    }

    func storedEvent(_ visit: Visit) async throws(Problem) -> EventRecord {
        guard let id = PayloadID(visit.id) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in try await catalog.event(id) }
        guard let found else { throw .notFound }
        return found
    }
}

/// The form of a page that asks.
struct Form {
    let target: String
    /// What it sends beside its code.
    var fields: [(name: String, value: String)] = []
    let button: String
    /// Where the way back leads.
    let back: String
    let code: String

    /// With more to fill in, which stands before the button.
    func markup(_ more: Markup = "") -> Markup {
        var hidden = fields
        hidden.append((name: FormCode.field, value: code))
        return """
            <form method="post" action="\(target)">\(Markup(each: hidden) { name, value in
                "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
            })\(more)<button>\(button)</button> <a href="\(back)">Leave it as it is</a></form>
            """
    }
}

extension Page {
    /// Asks before something is changed.
    init(asking question: String, _ about: Markup, _ form: Form, _ more: Markup = "") {
        self.init(title: question) {
            "<h1>\(question)</h1><div class=\"card ask\">\(about)\(form.markup(more))</div>"
        }
        isStill = true
    }
}

extension JobAction {
    /// As a button says it.
    var title: String {
        switch self {
        case .retry: "Retry"
        case .cancel: "Cancel"
        case .delete: "Delete"
        }
    }

    fileprivate var consequence: String {
        switch self {
        case .retry:
            "It runs as soon as a worker has a slot for it; used up attempts get room for one more."
        case .cancel:
            "It is over at once. A running handler is told to stop, and nothing of it is recorded."
        case .delete:
            "It is gone for good, with its attempts, and its body unless another job uses it."
        }
    }
}

extension Problem {
    fileprivate static let replayedMeanwhile = Problem(
        code: "wrong-state", status: .conflict, title: "The event's jobs are others by now",
        detail: "it may have been replayed already: look at its page, and replay it from there")
}
