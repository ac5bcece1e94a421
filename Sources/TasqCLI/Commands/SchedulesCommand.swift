import ArgumentParser
import Tasq
import TasqPostgres

/// `tasq schedules`.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules", abstract: "Put jobs in at certain times.",
        subcommands: [
            List.self, Add.self, Next.self, Pause.self, Resume.self, Run.self, Delete.self,
        ])

    /// `tasq schedules list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the schedules.")

        @OptionGroup var global: GlobalOptions

        @Flag(help: "Print one JSON object a line, with the next five ticks.")
        var json = false

        func run() async throws {
            let schedules = try await Connections.with(try global.load(.database)) {
                try await $0.store.schedules(named: nil)
            }
            try Report.list(
                schedules, json: json,
                columns: [
                    .init(heading: "SCHEDULE"), .init(heading: "STATE"), .init(heading: "CRON"),
                    .init(heading: "ZONE"), .init(heading: "KIND"), .init(heading: "QUEUE"),
                    .init(heading: "LAST TICK"), .init(heading: "NEXT TICK"),
                ],
                cells: { schedule in
                    let entry = schedule.entry
                    let isStuck = schedule.problem != nil
                    let next = schedule.isPaused ? nil : schedule.ticks(count: 1).first
                    return [
                        .init(entry.name.description),
                        .init(
                            schedule.state,
                            isStuck ? .bad : schedule.isPaused ? .busy : .plain),
                        .init(entry.cron), .init(entry.zone), .init(entry.kind.description),
                        .init(entry.queue.description),
                        .init(schedule.lastTick?.description ?? "-"),
                        .init(next?.description ?? "-"),
                    ]
                }, object: JSON.schedule)
            if !json { try tellProblems(of: schedules) }
        }

        private func tellProblems(of schedules: [ScheduleRecord]) throws {
            for schedule in schedules {
                guard let problem = schedule.problem else { continue }
                let name = schedule.entry.name
                try StandardOutput.line(
                    "\(name) does not tick: \(problem); once that is mended: "
                        + "tasq schedules resume \(name)")
            }
        }
    }

    /// `tasq schedules pause NAME`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a schedule tick no more.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var schedule: NamedSchedule

        func run() async throws { try await schedule.setPaused(true, global) }
    }

    /// `tasq schedules resume NAME`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused schedule tick again, from its first tick after now.",
            discussion: """
                So does one that could not tick, once what was wrong is mended, as where its zone has \
                been installed. Its next five ticks are printed.
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var schedule: NamedSchedule

        func run() async throws { try await schedule.setPaused(false, global) }
    }

    /// `tasq schedules run NAME`.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the job of a schedule in now, beside its ticks, and print its id.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var schedule: NamedSchedule

        func run() async throws {
            let name = try schedule.read()
            let configuration = try global.load([.database, .redis])
            let id = try await Connections.with(configuration) { connections in
                let queue = connections.queue
                let id = try await queue.run(schedule: name)
                await queue.flush()
                return id
            }
            guard let id else { throw NamedSchedule.missing(name) }
            try StandardOutput.line(
                schedule.json ? JSON.object(["id": .text(id)]).text : id.description)
        }
    }

    /// `tasq schedules delete NAME`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a schedule away, not its jobs.",
            discussion: "One that stands in a configuration comes back with it.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var schedule: NamedSchedule

        func run() async throws {
            let name = try schedule.read()
            let existed = try await Connections.with(try global.load(.database)) {
                try await $0.store.delete(schedule: name)
            }
            guard existed else { throw NamedSchedule.missing(name) }
            try StandardOutput.line(
                schedule.json
                    ? JSON.object(["name": .text(name), "deleted": true]).text
                    : "\(name) is gone")
        }
    }
}

/// The name of one schedule, and how to answer.
struct NamedSchedule: ParsableArguments {
    @Argument(help: ArgumentHelp("The schedule.", valueName: "name"))
    var name: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func read() throws(InvalidInput) -> Name { try Name(name, field: "the schedule") }

    static func missing(_ name: Name) -> Failure {
        Failure(.refused, "no schedule is called \(name): see `tasq schedules list`")
    }

    func setPaused(_ isPaused: Bool, _ global: GlobalOptions) async throws {
        let name = try read()
        let schedule = try await Connections.with(try global.load(.database)) { connections in
            _ = try await connections.store.setPaused(isPaused, schedule: name)
            return try await connections.store.schedules(named: name).first
        }
        guard let schedule else { throw Self.missing(name) }
        guard !json else { return try StandardOutput.line(JSON.schedule(schedule).text) }
        try StandardOutput.line("\(name) is \(isPaused ? "paused" : "open")")
        guard !isPaused, let timing = schedule.timing else { return }
        try ClockOptions.tell(timing, after: .now, count: 5)
    }
}

extension ScheduleRecord {
    /// One word for a table.
    fileprivate var state: String {
        problem != nil ? "stuck" : isPaused ? "paused" : "open"
    }
}
