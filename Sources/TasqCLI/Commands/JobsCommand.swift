import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq jobs`.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Look at jobs and act on them.",
        subcommands: [List.self, Show.self, Retry.self, Cancel.self, Delete.self])

    /// `tasq jobs list`: newest first, a page at a time.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List jobs, newest first.")

        @OptionGroup var global: GlobalOptions

        @OptionGroup var filters: FilterOptions

        @Flag(help: "Only those that wait for another attempt after one that failed.")
        var retrying = false

        @Option(help: ArgumentHelp("How many, 1 to 1000.", valueName: "n"))
        var limit = "50"

        @Option(help: ArgumentHelp("Where the last page ended.", valueName: "place"))
        var cursor: String?

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            var filter = try filters.filter()
            filter.isRetrying = retrying
            try filter.checkRetrying("--retrying")
            let limit = try flag("--limit", limit) { try number($0, in: 1...1000) }
            let cursor = try cursor.map { text in
                guard let cursor = JobCursor(text) else {
                    throw InvalidInput(field: "--cursor", "must be what an earlier list ended with")
                }
                return cursor
            }
            let configuration = try global.load(.database)
            let page = try await Connections.with(configuration) { [filter] in
                try await search($0.store, filter, after: cursor, limit: limit)
            }
            try Report.list(
                page.jobs, json: json,
                columns: [
                    .init(heading: "ID"), .init(heading: "KIND"), .init(heading: "QUEUE"),
                    .init(heading: "STATUS"), .init(heading: "ATTEMPT", isNumber: true),
                    .init(heading: "ENQUEUED"), .init(heading: "REASON"),
                ],
                cells: { job in
                    [
                        .init(job.id.description), .init(job.kind.description),
                        .init(job.queue.description),
                        .init(job.status.rawValue, job.status.style),
                        .init("\(job.attempt)/\(job.maxAttempts)"),
                        .init(job.enqueuedAt.description),
                        .init(String((job.reason ?? "").prefix(80))),
                    ]
                }, object: { JSON.job($0) })
            if let next = page.next {
                // On standard error, so that what is piped on stays a list of jobs.
                StandardError.line("more: --cursor \(next)")
            }
        }

        /// Goes on where a page ended short, until there are as many as asked for or none is left.
        private func search(
            _ store: PostgresStore, _ filter: JobFilter, after cursor: JobCursor?, limit: Int
        ) async throws -> JobPage {
            let progress = Progress(isShown: StandardError.isTerminal)
            defer { progress.clear() }
            var found = JobPage(jobs: [], next: cursor)
            repeat {
                let page = try await store.jobs(
                    matching: filter, after: found.next, limit: limit - found.jobs.count)
                found.jobs += page.jobs
                found.next = page.next
                guard let next = page.next else { break }
                progress.show("searched back to \(next.time), \(found.jobs.count) found")
            } while found.jobs.count < limit
            return found
        }
    }

    /// `tasq jobs show ID`: one job with its attempts and its payload.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a job with its attempts and payload.")

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The job.", valueName: "id"))
        var id: String

        @Flag(help: "Print one JSON document.")
        var json = false

        /// Bytes of a payload that are shown to people.
        private static let shownBytes = 4096

        /// What is stored of a job's body.
        private struct Body {
            let contentType: String
            let bytes: Int
            let headers: [Payload.Header]
            /// `nil` where it is large; `tasq serve` gives it out.
            var content: [UInt8]?
        }

        func run() async throws {
            let id = try jobID(id, field: "the id")
            let configuration = try global.load(.database)
            let (record, attempts, payload) = try await Connections.with(configuration) {
                let record = try await $0.store.job(id)
                return (
                    record, try await $0.store.attempts(of: id),
                    try await Self.body(of: record, in: $0.store)
                )
            }
            guard let record else { throw Failure(.refused, "no job \(id)") }
            try json
                ? StandardOutput.line(document(record, attempts, payload).text)
                : StandardOutput.write(text(record, attempts, payload))
        }

        private static func body(
            of job: JobRecord?, in store: any Catalog
        ) async throws(StoreError) -> Body? {
            guard let job else { return nil }
            // Only an event's may be large.
            if let event = try await store.event(job.payloadID),
                event.bytes > JobLimits.payloadBytes
            {
                return Body(
                    contentType: event.contentType, bytes: event.bytes, headers: event.headers)
            }
            guard let payload = try await store.payload(of: job.id)?.asHandled else { return nil }
            return Body(
                contentType: payload.contentType, bytes: payload.body.count,
                headers: payload.headers, content: payload.body)
        }

        private func document(
            _ job: JobRecord, _ attempts: [AttemptRecord], _ payload: Body?
        ) -> JSON {
            JSON.job(
                job,
                with: [
                    .init(name: "attempts", value: .array(attempts.map(JSON.attempt))),
                    .init(
                        name: "payload",
                        value: payload.map { payload in
                            .object([
                                "content_type": .string(payload.contentType),
                                "bytes": .int(payload.bytes),
                                "text": .text(
                                    payload.content.flatMap {
                                        String(validating: $0, as: UTF8.self)
                                    }),
                                "headers": .array(
                                    payload.headers.map {
                                        .object([
                                            "name": .string($0.name), "value": .string($0.value),
                                        ])
                                    }),
                            ])
                        } ?? .null),
                ])
        }

        private func text(
            _ job: JobRecord, _ attempts: [AttemptRecord], _ payload: Body?
        ) -> String {
            let styled = Report.isStyled
            var text = ""
            func add(_ name: String, _ value: String?, _ style: Style = .plain) {
                guard let value else { return }
                let cell = Table.Cell(value, style)
                let gap = String(repeating: " ", count: max(1, 14 - name.count))
                text += name + gap + (styled ? style.applied(to: cell.text) : cell.text) + "\n"
            }
            add("id", job.id.description)
            add("kind", job.kind.description)
            add("queue", job.queue.description)
            add("status", job.status.rawValue, job.status.style)
            add("priority", String(job.priority.level))
            add("attempt", "\(job.attempt) of \(job.maxAttempts)")
            add("crashes", job.crashes > 0 ? String(job.crashes) : nil, .bad)
            add("key", job.key)
            add("unique key", job.uniqueKey)
            add("enqueued", job.enqueuedAt.description)
            add("run at", job.runAt.description)
            add("claimed", job.claimedAt?.description)
            add("finished", job.finishedAt?.description)
            add("worker", job.worker?.description)
            add("reason", job.reason)
            if let payload {
                add("payload", "\(payload.bytes) bytes, \(payload.contentType)")
                if payload.bytes <= Self.shownBytes,
                    let body = payload.content.flatMap({ String(validating: $0, as: UTF8.self) })
                {
                    for line in body.split(whereSeparator: \.isNewline) {
                        add("", String(line))
                    }
                }
            }
            guard !attempts.isEmpty else { return text }
            var table = Table([
                .init(heading: "ATTEMPT", isNumber: true), .init(heading: "OUTCOME"),
                .init(heading: "STARTED"), .init(heading: "ENDED"), .init(heading: "REASON"),
            ])
            for attempt in attempts {
                table.add([
                    .init(String(attempt.attempt)), .init(attempt.outcome),
                    .init(attempt.startedAt.description), .init(attempt.endedAt.description),
                    .init(attempt.reason ?? ""),
                ])
            }
            return text + "\n" + table.text(styled: styled)
        }
    }
}

/// Reads a job's id.
func jobID(_ text: String, field: String) throws(InvalidInput) -> JobID {
    guard let id = JobID(text) else {
        throw InvalidInput(
            field: field, "must be a UUID, as in 019ab3c4-5d6e-7f80-9123-456789abcdef")
    }
    return id
}
