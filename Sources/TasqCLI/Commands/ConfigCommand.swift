import ArgumentParser
import FoundationEssentials
import Tasq

/// `tasq config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Judge and show the configuration.",
        subcommands: [Check.self, Show.self])

    /// `tasq config check`: everything that is wrong, at once.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Say everything that is wrong with the configuration; exit 78 if anything is.",
            discussion: """
                Reads flags, environment and file as `tasq serve` and `tasq work` do, looks all \
                secrets and certificates up, and connects to nothing. It tells the next five ticks \
                of each schedule.
                """)

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let configuration: Configuration
            do {
                configuration = try global.load(.all)
                _ = try HandlerSet(configuration.handlers, path: "/usr/bin:/bin")
            } catch let error as ConfigurationError {
                guard json else { throw error }
                try StandardOutput.line(Self.answer(error.problems, []).text)
                throw ExitCode(Failure.Code.misconfigured.rawValue)
            }
            let schedules = configuration.schedules ?? []
            if json { return try StandardOutput.line(Self.answer([], schedules).text) }
            let (sources, handlers) = (configuration.sources, configuration.handlers)
            try StandardOutput.line(
                "\(configuration.origins.file ?? "no file"): valid, "
                    + "\(sources.count) sources, \(handlers.count) handlers")
            for entry in schedules {
                try StandardOutput.line("schedule \(entry.name): \(entry.cron)")
                try ClockOptions.tell(entry.timing(), after: .now, count: 5)
            }
        }

        private static func answer(
            _ problems: [ConfigurationProblem], _ schedules: [ScheduleEntry]
        ) throws -> JSON {
            let ticks = try schedules.map { entry -> JSON in
                let name: JSON = .text(entry.name)
                let timing = try JSON.timing(entry.timing(), after: .now, count: 5)
                return .object(["name": name, "timing": timing])
            }
            return .object([
                "valid": .bool(problems.isEmpty),
                "problems": .array(
                    problems.map {
                        .object(["place": .string($0.place), "text": .string($0.text)])
                    }),
                "schedules": .array(ticks),
            ])
        }
    }

    /// `tasq config show`: the values that count, and why these.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every value that counts and where it came from.",
            discussion: """
                Scalar keys first, then what the file says of sources, handlers and tokens. A \
                secret is shown as its reference, env:NAME or file:/path, never itself.
                """)

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object a line.")
        var json = false

        func run() async throws {
            try Report.list(
                try global.load([]).listing(), json: json,
                columns: [
                    .init(heading: "KEY"), .init(heading: "VALUE"), .init(heading: "FROM"),
                ],
                cells: { entry in
                    [
                        .init(entry.key), .init(entry.value ?? "-"),
                        .init(entry.place ?? entry.source, entry.place == nil ? .faint : .plain),
                    ]
                },
                object: { entry in
                    .object([
                        "key": .string(entry.key), "value": .text(entry.value),
                        "source": .string(entry.source), "place": .text(entry.place),
                    ])
                })
        }
    }
}
