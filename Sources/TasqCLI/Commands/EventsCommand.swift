import ArgumentParser
import Tasq
import TasqPostgres
import TasqWebhooks

/// `tasq events`.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Look at stored webhook events and run them again.",
        subcommands: [List.self, Show.self, Replay.self])

    /// `tasq events list`: newest first, a page at a time.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List stored webhook events, newest first.",
            discussion: """
                Tells how many of the first hundred jobs of each are in which status. Goes on by itself \
                until it has its lines. One search looks at half a million events at most, with --status \
                at a hundred thousand; then it says how far it came, and goes on from there with --cursor.
                """)

        @OptionGroup var global: GlobalOptions

        @OptionGroup var filters: EventFilterOptions

        @Option(help: ArgumentHelp("How many, 1 to 1000.", valueName: "n"))
        var limit = "50"

        @Option(help: ArgumentHelp("Where the last page ended.", valueName: "place"))
        var cursor: String?

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            let filter = try filters.filter()
            let limit = try flag("--limit", limit) { try number($0, in: 1...1000) }
            let cursor = try cursor.map { text in
                guard let cursor = PayloadID(text) else {
                    throw InvalidInput(field: "--cursor", "must be what an earlier list ended with")
                }
                return cursor
            }
            let configuration = try global.load(.database)
            let (search, outcomes) = try await Connections.with(configuration) { connections in
                let store = connections.store
                var search = ListSearch<EventRecord, PayloadID>(from: cursor, limit: limit)
                try await search.run { place, count in
                    let page = try await store.events(
                        matching: filter, after: place, limit: count)
                    return (page.events, page.next)
                } time: {
                    $0.time
                }
                return (search, try await store.outcomes(of: search.rows.map(\.id)))
            }
            try Report.list(
                search.rows, json: json, columns: Self.columns,
                cells: { Self.cells(of: $0, outcomes[$0.id] ?? [:]) },
                object: { event in
                    JSON.event(event, with: [Self.member(outcomes[event.id] ?? [:])])
                })
            search.tellTheRest { $0.time }
        }

        private static let columns: [Table.Column] = [
            .init(heading: "ID"), .init(heading: "SOURCE"), .init(heading: "RECEIVED"),
            .init(heading: "BYTES", isNumber: true), .init(heading: "JOBS"),
            .init(heading: "PROVIDER'S ID"),
        ]

        private static func cells(
            of event: EventRecord, _ outcomes: [JobStatus: Int]
        ) -> [Table.Cell] {
            let known = JobStatus.allCases.filter { outcomes[$0] != nil }
            let jobs = known.map { "\(outcomes[$0] ?? 0) \($0.rawValue)" }
            return [
                .init(event.id.description), .init(event.source.description),
                .init(event.receivedAt.description), .init(String(event.bytes)),
                .init(
                    jobs.isEmpty ? "none left" : jobs.joined(separator: ", "),
                    known.contains(.error) ? .bad : .plain),
                .init(event.providerID ?? ""),
            ]
        }

        private static func member(_ outcomes: [JobStatus: Int]) -> JSON.Member {
            let known = JobStatus.allCases.compactMap { status in
                outcomes[status].map { JSON.Member(name: status.rawValue, value: .int($0)) }
            }
            return JSON.Member(name: "outcomes", value: .object(known))
        }
    }

    /// `tasq events show ID`: one event with its jobs and its body.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a stored webhook event with its jobs and body.",
            discussion: "Of headers that speak of credentials the names alone are shown.")

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("The event.", valueName: "id"))
        var id: String

        @Flag(help: "Print one JSON document.")
        var json = false

        /// Bytes of a body that are shown to people; programs are given a whole one that is no
        /// larger than a job's own.
        private static let shownBytes = 4096

        func run() async throws {
            let id = try eventID(id, field: "the id")
            let configuration = try global.load(.database)
            let limit = json ? JobLimits.payloadBytes : Self.shownBytes
            let (event, jobs, body) = try await Connections.with(configuration) { connections in
                let store = connections.store
                let event = try await store.event(id)
                var body: [UInt8]?
                if let event, event.bytes <= limit {
                    body = try await store.piece(of: id, from: 0, count: limit)
                }
                return (event, try await store.jobs(of: id), body)
            }
            guard let event else { throw Failure(.refused, "no event \(id)") }
            let text = body.flatMap { String(validating: $0, as: UTF8.self) }
            try json
                ? StandardOutput.line(document(event, jobs, text).text)
                : StandardOutput.write(page(event, jobs, text))
        }

        private func document(
            _ event: EventRecord, _ jobs: [JobRecord], _ body: String?
        ) -> JSON {
            JSON.event(
                event,
                with: [
                    .init(name: "jobs", value: .array(jobs.map { JSON.job($0) })),
                    .init(name: "body", value: .text(body)),
                ])
        }

        private func page(
            _ event: EventRecord, _ jobs: [JobRecord], _ body: String?
        ) -> String {
            var facts = Facts(styled: Report.isStyled)
            facts.add("id", event.id.description)
            facts.add("source", event.source.description)
            facts.add("provider's id", event.providerID)
            facts.add("received", event.receivedAt.description)
            for (index, header) in event.headers.enumerated() {
                let value = isCredentialHeader(header.name) ? "***" : header.value
                facts.add(index == 0 ? "headers" : "", "\(header.name): \(value)")
            }
            facts.add("body", "\(event.bytes) bytes, \(event.contentType)")
            facts.add("", lines: body ?? "")
            var table = Table(JobsCommand.List.columns)
            for job in jobs { table.add(JobsCommand.List.cells(of: job)) }
            return facts.text + "\n" + table.text(styled: Report.isStyled)
        }
    }
}

/// Reads an event's id.
func eventID(_ text: String, field: String) throws(InvalidInput) -> PayloadID {
    guard let id = PayloadID(text) else {
        throw InvalidInput(
            field: field, "must be a UUID, as in 019ab3c4-5d6e-7f80-9123-456789abcdef")
    }
    return id
}
