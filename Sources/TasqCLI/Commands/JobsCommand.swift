import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq jobs`.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Look at jobs and act on them.",
        subcommands: [List.self, Show.self, Retry.self, Cancel.self, Delete.self])

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
            var facts = Facts(styled: Report.isStyled)
            facts.add("id", job.id.description)
            facts.add("kind", job.kind.description)
            facts.add("queue", job.queue.description)
            facts.add("status", job.status.rawValue, job.status.style)
            facts.add("priority", String(job.priority.level))
            facts.add("attempt", "\(job.attempt) of \(job.maxAttempts)")
            facts.add("crashes", job.crashes > 0 ? String(job.crashes) : nil, .bad)
            for option in JobOption.lines {
                facts.add(option.label, job.options[option]?.description)
            }
            facts.add("unique key", job.uniqueKey)
            facts.add("enqueued", job.enqueuedAt.description)
            facts.add("run at", job.runAt.description)
            facts.add("claimed", job.claimedAt?.description)
            facts.add("finished", job.finishedAt?.description)
            facts.add("worker", job.worker?.description)
            facts.add("reason", lines: job.reason ?? "")
            if let payload {
                facts.add("payload", "\(payload.bytes) bytes, \(payload.contentType)")
                if payload.bytes <= Self.shownBytes,
                    let body = payload.content.flatMap({ String(validating: $0, as: UTF8.self) })
                {
                    facts.add("", lines: body)
                }
            }
            guard !attempts.isEmpty else { return facts.text }
            var table = Table([
                .init(heading: "ATTEMPT", isNumber: true), .init(heading: "OUTCOME"),
                .init(heading: "STARTED"), .init(heading: "ENDED"), .init(heading: "WORKER"),
                .init(heading: "REASON"),
            ])
            for attempt in attempts {
                let reason = Facts.lines(of: attempt.reason ?? "")
                table.add([
                    .init(String(attempt.attempt)), .init(attempt.outcome.rawValue),
                    .init(attempt.startedAt.description), .init(attempt.endedAt.description),
                    .init(attempt.place ?? attempt.worker?.description ?? ""),
                    .init(reason.first ?? ""),
                ])
                for line in reason.dropFirst() { table.add(["", "", "", "", "", .init(line)]) }
            }
            return facts.text + "\n" + table.text(styled: Report.isStyled)
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
