import ArgumentParser
import Tasq
import TasqPostgres
import TasqWebhooks

extension JobsCommand {
    /// `tasq jobs list`: newest first, a page at a time.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List jobs, newest first.",
            discussion: """
                Goes on by itself until it has its lines. One search looks at half a million jobs at \
                most, with --payload at a hundred thousand; then it says how far it came, and goes on \
                from there with --cursor. Jobs in error, cancelled or unfinished are found at once while \
                there are no more than 5000 in their status: say which with --status.
                """)

        @OptionGroup var global: GlobalOptions

        @OptionGroup var filters: FilterOptions
        @OptionGroup var finders: FinderOptions

        @Option(
            help: ArgumentHelp(
                "Only those with this value at a JSON pointer, as in /order/id=42.",
                valueName: "path=value"))
        var payload: String?

        @Option(help: ArgumentHelp("How many, 1 to 1000.", valueName: "n"))
        var limit = "50"

        @Option(help: ArgumentHelp("Where the last page ended.", valueName: "place"))
        var cursor: String?

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            let filter = try finders.filter(with: filters)
            let value = try payload.map { try PayloadValue($0, field: "--payload") }
            let limit = try flag("--limit", limit) { try number($0, in: 1...1000) }
            let cursor = try cursor.map { text in
                guard let cursor = JobCursor(text) else {
                    throw InvalidInput(field: "--cursor", "must be what an earlier list ended with")
                }
                return cursor
            }
            let configuration = try global.load(.database)
            let search = try await Connections.with(configuration) { connections in
                var search = ListSearch<JobRecord, JobCursor>(from: cursor, limit: limit)
                try await search.run { place, count in
                    let page = try await connections.store.jobs(
                        matching: filter, having: value, after: place, limit: count)
                    return (page.jobs, page.next)
                } time: {
                    $0.time
                }
                return search
            }
            try Report.list(
                search.rows, json: json, columns: Self.columns, cells: Self.cells,
                object: { JSON.job($0) })
            search.tellTheRest { $0.time }
        }

        static let columns: [Table.Column] = [
            .init(heading: "ID"), .init(heading: "KIND"), .init(heading: "QUEUE"),
            .init(heading: "STATUS"), .init(heading: "ATTEMPT", isNumber: true),
            .init(heading: "ENQUEUED"), .init(heading: "REASON"),
        ]

        static func cells(of job: JobRecord) -> [Table.Cell] {
            [
                .init(job.id.description), .init(job.kind.description),
                .init(job.queue.description), .init(job.status.rawValue, job.status.style),
                .init("\(job.attempt)/\(job.maxAttempts)"), .init(job.enqueuedAt.description),
                .init(String((job.lastReason ?? "").prefix(80))),
            ]
        }
    }
}
