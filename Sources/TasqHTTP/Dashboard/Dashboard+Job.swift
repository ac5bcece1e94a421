import Tasq
import TasqWebhooks

extension Dashboard {
    /// Bytes of a body that its job's page shows, and of the lines they are set in.
    private static let shownBytes = 65_536
    private static let shownLines = 262_144
    /// Other jobs of the event that are shown.
    private static let siblings = 20

    func job(_ visit: Visit) async throws(Problem) -> Page {
        guard let id = JobID(visit.id) else { throw .notFound }
        let found = try await read { () async throws(StoreError) in
            try await catalog.circumstances(of: id)
        }
        guard let circumstances = found else { throw .notFound }
        let job = circumstances.job
        let attempts = try await attempts(of: circumstances)
        let payload = try await shown(job.payloadID, at: "/jobs/\(id)/payload")
        let siblings = try await siblings(of: job)
        return Page(title: "Job \(id)") {
            """
            <h1>\(job.kind) <span class="id">\(job.id)</span></h1>\(Self.actions(on: job, for: visit))
            \(Self.why(circumstances))<div class="card"><dl>
            <dt>Status</dt><dd>\(Self.text(of: job.status))</dd>
            <dt>Queue</dt><dd><a href="/jobs?queue=\(job.queue)">\(job.queue)</a>, priority \(job.priority.level)</dd>
            <dt>Attempt</dt><dd>\(job.attempt) of \(job.maxAttempts)</dd>
            \(Self.row("Crashes", job.crashes > 0 ? job.crashes : nil))
            \(Self.rows(of: job.options))\(Self.row("Unique key", job.uniqueKey))
            \(Self.row("Enqueued", Self.exact(job.enqueuedAt)))\(Self.row("Due", Self.exact(job.runAt)))
            \(Self.row("Claimed", job.claimedAt.map(Self.exact)))
            \(Self.row("Finished", job.finishedAt.map(Self.exact)))
            \(Self.row("Reason", Self.inFull(job.reason)))\(Self.row("Event", Self.event(of: job)))
            \(Self.row("Warning", Explanation(circumstances).warning))</dl></div>
            <h2>Attempts</h2>\(attempts)<h2>Payload</h2>\(payload)\(siblings)
            """
        }
    }

    /// Those of a job's options that have no place of their own.
    private static func rows(of options: JobOptions) -> Markup {
        Markup(each: JobOption.lines) { option in
            let label = option.label
            let name = "\(label.prefix(1).uppercased())\(label.dropFirst())"
            return row(name, options[option])
        }
    }

    /// A reason line by line, as the handler gave it.
    private static func inFull(_ reason: String?) -> Markup? {
        reason.map { "<span class=\"reason\">\($0)</span>" }
    }

    /// A time in full, and how long ago that is.
    private static func exact(_ time: Timestamp) -> Markup {
        "\(utc(time)) (\(moment(time)))"
    }

    /// The stored webhook it was made of; a job put in otherwise has a body of its own.
    private static func event(of job: JobRecord) -> Markup? {
        guard job.payloadID.description != job.id.description else { return nil }
        return "<a href=\"/events/\(job.payloadID)\">\(id(job.payloadID))</a>"
    }

    /// Why the job is not running, or what it is doing, as `tasq explain` says it.
    private static func why(_ circumstances: Circumstances) -> Markup {
        let explanation = Explanation(circumstances)
        // Names stand between backticks.
        let parts = explanation.sentence.split(separator: "`", omittingEmptySubsequences: false)
        let sentence = Markup(each: parts.enumerated()) { index, part in
            index % 2 == 1 ? "<code>\(part)</code>" : "\(part)"
        }
        return """
            <p class="card why" data-reason="\(explanation.reason.rawValue)">\(sentence)</p>
            """
    }

    /// Those that have ended, and the one that runs.
    private func attempts(of circumstances: Circumstances) async throws(Problem) -> Markup {
        let job = circumstances.job
        let ended = try await read { () async throws(StoreError) in
            try await catalog.attempts(of: job.id)
        }
        var rows = ended.map { attempt -> [Markup] in
            [
                "\(attempt.attempt)",
                "<span class=\"\(attempt.outcome.rawValue)\">\(attempt.outcome.rawValue)</span>",
                Self.moment(attempt.startedAt), Self.took(from: attempt.startedAt, attempt.endedAt),
                Self.place(attempt.place, attempt.worker), Self.inFull(attempt.reason) ?? "–",
            ]
        }
        // It may have ended between the two looks.
        let isTold = ended.contains { $0.startedAt == job.claimedAt }
        if let claimed = job.claimedAt, !isTold, job.status == .executing {
            let place = circumstances.holder.map { "\($0.host) \($0.processID)" }
            rows.append([
                "\(job.attempt)", Self.text(of: job.status), Self.moment(claimed),
                Self.took(from: claimed, circumstances.asOf), Self.place(place, job.worker), "–",
            ])
        }
        let headings = ["#Attempt", "Outcome", "Claimed", "Took", "Worker", "~Reason"]
        return Self.table(headings, rows, empty: "None yet.")
    }

    /// Where an attempt ran: host and process as long as they are known, then its worker's id.
    private static func place(_ place: String?, _ worker: WorkerID?) -> Markup {
        guard let worker else { return "–" }
        return place.map { "\($0)" as Markup } ?? brief(worker)
    }

    private static func took(from start: Timestamp, _ end: Timestamp) -> Markup {
        let (gap, isBeyond) = end.microseconds.subtractingReportingOverflow(start.microseconds)
        return isBeyond || gap < 0 ? "–" : "\(short(.microseconds(gap)))"
    }

    /// A body as far as a bound, with the headers it came with and the way to all of its bytes.
    func shown(_ body: PayloadID, at path: String) async throws(Problem) -> Markup {
        let stored = try await read { () async throws(StoreError) in try await catalog.body(body) }
        let bytes = try await read { () async throws(StoreError) in
            try await catalog.piece(of: body, from: 0, count: Self.shownBytes)
        }
        guard let stored, let payload = stored.payload, let bytes else {
            return "<div class=\"card\">It is not stored any more.</div>"
        }
        let shown = Self.text(of: bytes, isCut: bytes.count < stored.bytes)
        let text: Markup
        if let shown {
            let rest = shown.isCut ? "\n…" : ""
            text = "<pre tabindex=\"0\">\(shown.text)\(rest)</pre>"
        } else {
            text = "<p class=\"dim\">It is not text.</p>"
        }
        let kept = payload.headers.filter { $0.name != Payload.formHeader }
        let headers = Markup(each: kept) { header in
            let value = isCredentialHeader(header.name) ? "***" : header.value
            return "<dt>\(header.name)</dt><dd>\(value)</dd>"
        }
        let list: Markup = kept.isEmpty ? "" : "<dl>\(headers)</dl>"
        return """
            <div class="card"><p><a href="\(path)" download>\(stored.bytes) bytes of
            \(payload.contentType)</a>\(shown?.isCut == true ? ", of which the beginning is shown" : "")</p>
            \(text)\(list)</div>
            """
    }

    /// A body as text, JSON in lines; `nil` where it is none.
    static func text(of body: [UInt8], isCut: Bool) -> (text: String, isCut: Bool)? {
        // A character may have been cut in two.
        let text = (0...(isCut ? 3 : 0)).lazy
            .compactMap { String(validating: body.dropLast($0), as: UTF8.self) }.first
        let isBare = body.contains { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        guard let text, !isBare else { return nil }
        let start = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard start == UInt8(ascii: "{") || start == UInt8(ascii: "[") else { return (text, isCut) }
        let lines = PrettyJSON.lines(of: text.utf8, limit: shownLines)
        return (String(decoding: lines.text, as: UTF8.self), isCut || lines.isCut)
    }

    /// Byte for byte as it was stored.
    func payload(_ visit: Visit) async throws(Problem) -> Answer {
        guard let id = JobID(visit.id) else { throw .notFound }
        let job = try await read { () async throws(StoreError) in try await catalog.job(id) }
        guard let job else { throw .notFound }
        let stored = try await read { () async throws(StoreError) in
            try await catalog.body(job.payloadID)
        }
        guard let stored, let payload = stored.payload else { throw .notFound }
        return try await .download(
            payload, stored.id, bytes: stored.bytes, asHandled: false, from: catalog)
    }

    private func siblings(of job: JobRecord) async throws(Problem) -> Markup {
        guard Self.event(of: job) != nil else { return "" }
        let jobs = try await read { () async throws(StoreError) in
            try await catalog.jobs(of: job.payloadID)
        }.filter { $0.id != job.id }
        let shown = Array(jobs.prefix(Self.siblings))
        let table = Self.table(of: shown, on: try await workers(of: shown), empty: "None.")
        return "<h2>Other jobs of its event</h2>\(table)"
    }
}
