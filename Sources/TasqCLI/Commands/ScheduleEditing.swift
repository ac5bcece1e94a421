import ArgumentParser
import Tasq
import TasqHTTP
import TasqPostgres
import TasqWebhooks

extension SchedulesCommand {
    /// `tasq schedules add NAME CRON KIND`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a schedule in, or another in its place, and print its next ticks.",
            discussion: """
                The cron text has five fields (minute, hour, day of month, month, day of week), or six \
                with the second first; or is @daily and the like, or @every and a duration. In the \
                payload {tick}, {tick_unix} and {schedule} stand for the tick's time in RFC 3339, its \
                seconds since 1970, and the name.
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: ArgumentHelp("What the schedule is called.", valueName: "name"))
        var name: String

        @Argument(help: ArgumentHelp("When it ticks, in quotes.", valueName: "cron"))
        var cron: String

        @Argument(help: ArgumentHelp("The kind of its jobs.", valueName: "kind"))
        var kind: String

        @OptionGroup var clock: ClockOptions

        @Option(
            help: ArgumentHelp(
                "Of ticks that nobody fired for a minute: none, the last, or each.",
                valueName: "skip|latest|all"))
        var missed: String?

        @Option(
            help: ArgumentHelp(
                "Start each job up to so much later than its tick.", valueName: "duration"))
        var jitter: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("JSON, or @FILE, or - for standard input.", valueName: "json"))
        var payload: String?

        @OptionGroup var flags: JobFlags

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let configuration = try global.load(.database)
            let entry = try entry(with: configuration.handlers)
            do {
                try JSONText.check(entry.body(at: .now))
            } catch {
                throw Failure(.badData, error.description)
            }
            let timing = try clock.namingFlags { () throws(InvalidInput) in try entry.check() }
            let stored = try await Connections.with(configuration) { connections in
                try await connections.store.put([entry], isConfiguration: false)
                return try await connections.store.schedules(named: entry.name).first
            }
            guard json else { return try ClockOptions.tell(timing, after: .now, count: 5) }
            guard let stored else { throw NamedSchedule.missing(entry.name) }
            try StandardOutput.line(JSON.schedule(stored).text)
        }

        private func entry(with handlers: [HandlerEntry]) throws -> ScheduleEntry {
            let kind = try Name(kind, field: "the kind")
            let body = try readPayload(payload)
            let defaults = handlers.defaults(for: kind, payload: body)
            var entry = ScheduleEntry(
                name: try Name(name, field: "the name"), cron: cron, kind: kind, payload: body)
            try clock.fill(&entry)
            entry.missed =
                try missed.map {
                    try flag("--missed", $0) { text -> MissedTicks in try choice(text) }
                } ?? .latest
            entry.jitter =
                try jitter.map {
                    try flag("--jitter", $0) {
                        try duration($0, in: .zero...ScheduleEntry.longestJitter)
                    }
                } ?? .zero
            entry.options = try flags.options(or: defaults)
            return entry
        }
    }

    /// `tasq schedules next`.
    struct Next: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a cron text means, or when a schedule ticks.",
            discussion: """
                A text with a blank or an @ is a cron text, and needs no server. Ticks are printed \
                by the clocks of the zone, then in UTC.
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(
            help: ArgumentHelp(
                "A cron text in quotes, or the name of a schedule.", valueName: "cron|name"))
        var subject: String

        @OptionGroup var clock: ClockOptions

        @Option(help: ArgumentHelp("How many ticks, up to 1000.", valueName: "n"))
        var count: String?

        @Option(help: ArgumentHelp("Only ticks after this time.", valueName: "rfc3339"))
        var after: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let count =
                try count.map { try flag("--count", $0) { try number($0, in: 1...1000) } } ?? 5
            let after = try ClockOptions.time(after, "--after") ?? .now
            let timing: Timing
            if subject.contains(where: { $0 == " " || $0 == "\t" || $0 == "@" }) {
                var entry = ScheduleEntry(
                    name: .defaultQueue, cron: subject, kind: .defaultQueue)
                try clock.fill(&entry)
                let asked = entry
                timing = try clock.namingFlags { () throws(InvalidInput) in try asked.timing() }
            } else {
                guard clock.isEmpty else {
                    throw Failure(.usage, "a schedule has its own zone, start and end")
                }
                let name = try Name(subject, field: "the schedule")
                let record = try await Connections.with(try global.load(.database)) {
                    try await $0.store.schedules(named: name).first
                }
                guard let record else { throw NamedSchedule.missing(name) }
                timing = try record.entry.timing()
            }
            guard json else { return try ClockOptions.tell(timing, after: after, count: count) }
            try StandardOutput.line(JSON.timing(timing, after: after, count: count).text)
        }
    }
}

/// On whose clocks a cron text is read, and from when to when.
struct ClockOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The IANA zone of its local times (UTC).", valueName: "zone"))
    var zone: String?

    @Option(
        help: ArgumentHelp(
            "Of local times that are missing or come twice when clocks are changed (once).",
            valueName: "skip|once|twice"))
    var clockChange: String?

    @Option(help: ArgumentHelp("Nothing ticks before.", valueName: "rfc3339"))
    var start: String?

    @Option(help: ArgumentHelp("Nothing ticks at or after it.", valueName: "rfc3339"))
    var end: String?

    var isEmpty: Bool { zone == nil && clockChange == nil && start == nil && end == nil }

    func fill(_ entry: inout ScheduleEntry) throws {
        entry.zone = zone ?? "UTC"
        entry.clockChange =
            try clockChange.map {
                try flag("--clock-change", $0) { text -> ClockChange in try choice(text) }
            } ?? .once
        entry.start = try Self.time(start, "--start")
        entry.end = try Self.time(end, "--end")
    }

    static func time(_ text: String?, _ flag: String) throws(InvalidInput) -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw InvalidInput(
                field: flag, "must be a time in RFC 3339, as in 2026-11-23T19:20:00Z")
        }
        return time
    }

    /// Names the flag where a rule names the field it becomes.
    func namingFlags(_ make: () throws(InvalidInput) -> Timing) throws(InvalidInput) -> Timing {
        do throws(InvalidInput) {
            return try make()
        } catch {
            let named =
                ["zone", "start", "end", "jitter", "payload"] + JobOption.all.map(\.rawValue)
            guard named.contains(error.field) else { throw error }
            throw InvalidInput(field: flagName(of: error.field), error.rule)
        }
    }

    /// The ticks, each by the zone's clocks and in UTC, and what may be read otherwise.
    static func tell(_ timing: Timing, after: Timestamp, count: Int) throws {
        let ticks = timing.ticks(after: after, count: count)
        for tick in ticks {
            let own = timing.zone.text(tick)
            let universal = Zone.utc.text(tick)
            try StandardOutput.line(own == universal ? own : "\(own)  \(universal)")
        }
        if ticks.isEmpty { try StandardOutput.line("it ticks no more") }
        for remark in timing.cron.remarks { try StandardOutput.line("# \(remark)") }
    }
}

extension JSON {
    /// The same names as in the API's answers.
    static func schedule(_ record: ScheduleRecord) -> JSON {
        let entry = record.entry
        let timing = record.timing
        let ticks = timing?.ticks(after: .now, count: 5) ?? []
        let local = timing.map { timing in ticks.map { timing.zone.text($0) } } ?? []
        let remarks = timing?.cron.remarks ?? []
        let payload = String(decoding: entry.payload, as: UTF8.self)
        return .object(
            [
                "name": .text(entry.name), "cron": .string(entry.cron),
                "zone": .string(entry.zone),
                "clock_change": .string(entry.clockChange.rawValue),
                "missed": .string(entry.missed.rawValue),
                "jitter": .string(DurationText.format(entry.jitter)),
                "start": .text(entry.start), "end": .text(entry.end), "kind": .text(entry.kind),
            ], entry.options,
            [
                "payload_text": .string(payload),
                "paused": .bool(record.isPaused), "configured": .bool(record.isConfigured),
                "last_tick": .text(record.lastTick), "problem": .text(record.problem),
                "next": .array(ticks.map { .string($0.description) }),
                "next_local": .array(local.map { .string($0) }),
                "remarks": .array(remarks.map { .string($0) }),
            ])
    }

    static func timing(_ timing: Timing, after: Timestamp, count: Int) -> JSON {
        let ticks = timing.ticks(after: after, count: count)
        return .object([
            "cron": .string(timing.cron.text), "zone": .string(timing.zone.name),
            "clock_change": .string(timing.clockChange.rawValue),
            "ticks": .array(ticks.map { .string(Zone.utc.text($0)) }),
            "local": .array(ticks.map { .string(timing.zone.text($0)) }),
            "remarks": .array(timing.cron.remarks.map { .string($0) }),
        ])
    }
}
