import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq queues`.
struct QueuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "Look at queues, pause and resume them.",
        subcommands: [List.self, Pause.self, Resume.self])

    /// `tasq queues list`: what waits and runs on each.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the queues.")

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            let queues = try await Connections.with(try global.load(.database)) {
                try await $0.store.limitedQueues()
            }
            try Report.list(
                queues, json: json,
                columns: Self.queueColumns + Self.failureColumns,
                cells: { queue in
                    let cells: [Table.Cell] = [
                        .init(queue.name.description),
                        Self.state(of: queue),
                        .init(queue.scheduledText), .init(queue.queuedText),
                        .init(String(queue.executing)), .init(queue.oldestWait?.rough ?? "-"),
                        .init(queue.limit?.text ?? "-"),
                    ]
                    return cells + Self.cells(of: queue.failures)
                }, object: JSON.queue)
            if !json { try listKinds(of: queues) }
        }

        /// What has failed by kind, where anything has.
        private func listKinds(of queues: [QueueRecord]) throws {
            var table = Table(
                [Table.Column(heading: "QUEUE"), Table.Column(heading: "KIND")]
                    + Self.failureColumns)
            for queue in queues {
                for failures in queue.failures {
                    let names = [queue.name, failures.kind].map { Table.Cell($0.description) }
                    table.add(names + Self.cells(of: [failures]))
                }
            }
            guard queues.contains(where: { !$0.failures.isEmpty }) else { return }
            try StandardOutput.write("\n" + table.text(styled: Report.isStyled))
        }

        private static let queueColumns: [Table.Column] = [
            .init(heading: "QUEUE"), .init(heading: "STATE"),
            .init(heading: "SCHEDULED", isNumber: true), .init(heading: "QUEUED", isNumber: true),
            .init(heading: "EXECUTING", isNumber: true),
            .init(heading: "OLDEST WAIT", isNumber: true), .init(heading: "LIMIT"),
        ]

        /// A paused queue may refuse jobs, too.
        private static func state(of queue: QueueRecord) -> Table.Cell {
            if queue.limit?.isRefusing == true {
                return .init(queue.isPaused ? "paused, full" : "full", .bad)
            }
            return .init(queue.isPaused ? "paused" : "open", queue.isPaused ? .busy : .plain)
        }

        private static let failureColumns: [Table.Column] = [
            .init(heading: "RETRYING", isNumber: true), .init(heading: "ERROR", isNumber: true),
            .init(heading: "LAST HOUR", isNumber: true), .init(heading: "LAST DAY", isNumber: true),
        ]

        private static func cells(of failures: [KindFailures]) -> [Table.Cell] {
            func cell(_ text: String, _ count: Int, _ style: Style) -> Table.Cell {
                .init(text, count > 0 ? style : .plain)
            }
            return [
                cell(failures.retryingText, failures.retrying, .busy),
                cell(failures.errorsText, failures.errors, .bad),
                cell(failures.errorsOfHourText, failures.errorsOfHour, .bad),
                cell(failures.errorsOfDayText, failures.errorsOfDay, .bad),
            ]
        }
    }
}

/// `tasq workers`.
struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "Look at workers.", subcommands: [List.self])

    /// `tasq workers list`: every registered process.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the workers.")

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            let workers = try await Connections.with(try global.load(.database)) {
                try await $0.store.workers()
            }
            try Report.list(
                workers, json: json,
                columns: [
                    .init(heading: "ID"), .init(heading: "HOST"),
                    .init(heading: "PID", isNumber: true), .init(heading: "QUEUES"),
                    .init(heading: "EXECUTING", isNumber: true),
                    .init(heading: "SLOTS", isNumber: true), .init(heading: "STARTED"),
                    .init(heading: "SEEN"), .init(heading: "VERSION"),
                ],
                cells: { standing in
                    let worker = standing.worker
                    return [
                        .init(worker.id.description), .init(worker.host),
                        .init(String(worker.processID)),
                        .init(worker.queues.map(\.description).joined(separator: ",")),
                        .init(String(standing.executing)), .init(String(worker.concurrency)),
                        .init(standing.startedAt.description), .init(standing.seenAt.description),
                        .init(worker.version),
                    ]
                }, object: JSON.worker)
        }
    }
}
