import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq limits`.
struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Bound what may wait on a queue.",
        subcommands: [List.self, Put.self, Clear.self])

    /// `tasq limits list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the limits, and how far the queues are from them.")

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object a line.")
        var json = false

        /// Limits of one statement.
        private static let page = 1000

        func run() async throws {
            let limits = try await Connections.with(try global.load(.database)) { connections in
                var limits: [LimitStanding] = []
                var page: [LimitStanding] = []
                repeat {
                    page = try await connections.store.limits(
                        after: limits.last?.limit.queue, upTo: Self.page, levelsOf: nil)
                    limits += page
                } while page.count == Self.page
                return limits
            }
            try Report.list(
                limits, json: json,
                columns: [
                    .init(heading: "QUEUE"), .init(heading: "STATE"), .init(heading: "LIMIT"),
                    .init(heading: "SET"), .init(heading: "BY"),
                ],
                cells: { standing in
                    [
                        .init(standing.limit.queue.description),
                        .init(
                            standing.isRefusing ? "full" : "open",
                            standing.isRefusing ? .bad : .plain),
                        .init(standing.text), .init(standing.updatedAt.description),
                        .init(standing.isConfigured ? "configuration" : standing.updatedBy),
                    ]
                }, object: JSON.limit)
        }
    }

    /// `tasq limits set QUEUE`.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set the limit of a queue, or another in its place.",
            discussion: """
                Whoever puts jobs in then is refused them within two seconds, and told to come again, \
                while more jobs wait than may or the oldest has waited for too long. Jobs in the table \
                are not refused, whatever becomes of them. One that stands in a configuration comes \
                back with the next start or reload of a server.
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var limited: LimitedQueue

        @Option(
            help: ArgumentHelp("Jobs that may wait for a free slot, up to 1000000.", valueName: "n")
        )
        var maxDepth: String?

        @Option(
            help: ArgumentHelp(
                "How long the oldest may have waited, 1s to 365d.", valueName: "duration"))
        var maxAge: String?

        func run() async throws {
            let limit = try read()
            let found = try await Connections.with(try global.load(.database)) { connections in
                try await connections.queue.limit([limit])
                return try await connections.queue.limit(of: limit.queue)
            }
            guard let standing = found else { throw LimitedQueue.missing(limit.queue) }
            try StandardOutput.line(
                limited.json
                    ? JSON.limit(standing).text : "\(limit.queue) is limited: \(standing.text)")
        }

        private func read() throws -> FlowLimit {
            let queue = try limited.read()
            guard maxDepth != nil || maxAge != nil else {
                throw Failure(.usage, "give --max-depth, --max-age or both")
            }
            let depth = try maxDepth.map { text in
                try flag("--max-depth", text) { try number($0, in: FlowLimit.depths) }
            }
            let age = try maxAge.map { text in
                try flag("--max-age", text) { try duration($0, in: FlowLimit.ages) }
            }
            return try FlowLimit(queue: queue, maxDepth: depth, maxAge: age)
        }
    }

    /// `tasq limits clear QUEUE`.
    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the limit of a queue away.",
            discussion: "One that stands in a configuration comes back with it.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var limited: LimitedQueue

        func run() async throws {
            let name = try limited.read()
            let existed = try await Connections.with(try global.load(.database)) {
                try await $0.queue.clearLimit(of: name)
            }
            guard existed else { throw LimitedQueue.missing(name) }
            try StandardOutput.line(
                limited.json
                    ? JSON.object(["queue": .text(name), "cleared": true]).text
                    : "\(name) has no limit any more")
        }
    }
}

/// The name of one queue, and how to answer.
struct LimitedQueue: ParsableArguments {
    @Argument(help: ArgumentHelp("The queue, whether it has jobs or not.", valueName: "queue"))
    var name: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func read() throws(InvalidInput) -> Name { try Name(name, field: "the queue") }

    static func missing(_ name: Name) -> Failure {
        Failure(.refused, "\(name) has no limit: see `tasq limits list`")
    }
}

extension JSON {
    /// The same names as in the API's answers.
    static func limit(_ standing: LimitStanding) -> JSON {
        .object([
            "queue": .text(standing.limit.queue),
            "max_depth": standing.limit.maxDepth.map { JSON.int($0) } ?? .null,
            "max_age": .text(standing.limit.maxAge.map(DurationText.format)),
            "configured": .bool(standing.isConfigured),
            "updated_at": .text(standing.updatedAt), "updated_by": .string(standing.updatedBy),
            "level": standing.level.map { JSON.int($0) } ?? .null,
            "oldest_wait_seconds": standing.oldestWait.map { JSON.decimal($0.inSeconds) } ?? .null,
            "refuses": .bool(standing.isRefusing),
        ])
    }
}
