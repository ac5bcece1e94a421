import NIOHTTP1
import Tasq

/// `/v1/schedules`.
struct ScheduleRoutes: Sendable {
    let queue: Queue
    let defaults: @Sendable (Name, [UInt8]) -> JobOptions

    var routes: [Route] {
        [
            Route("GET", "/v1/schedules", .read) { request, _ async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                let schedules = try await read { () async throws(StoreError) in
                    try await queue.schedules()
                }
                return .json { json in
                    json.name("schedules")
                    json.array(schedules) { $0.schedule($1) }
                }
            },
            Route("GET", "/v1/schedules/{name}", .read) { request, name async throws(Problem) in
                _ = try Query(request.head.query, allowing: [])
                return try await show(Self.name(name))
            },
            Route("PUT", "/v1/schedules/{name}", .operate) { request, name async throws(Problem) in
                try await put(Self.name(name), request.body)
            },
            Route("DELETE", "/v1/schedules/{name}", .operate) { _, text async throws(Problem) in
                let name = try Self.name(text)
                let existed = try await read { () async throws(StoreError) in
                    try await queue.delete(schedule: name)
                }
                guard existed else { throw .notFound }
                return .noContent
            },
            Route("POST", "/v1/schedules/{name}/pause", .operate) { _, name async throws(Problem) in
                try await set(Self.name(name), paused: true)
            },
            Route("POST", "/v1/schedules/{name}/resume", .operate) {
                _, name async throws(Problem) in
                try await set(Self.name(name), paused: false)
            },
            Route("POST", "/v1/schedules/{name}/run", .operate) { _, name async throws(Problem) in
                try await run(Self.name(name))
            },
        ]
    }

    private static func name(_ text: Substring) throws(Problem) -> Name {
        do throws(InvalidInput) {
            return try Name(String(text), field: "schedule")
        } catch {
            throw .invalid(error)
        }
    }

    private func put(_ name: Name, _ body: [UInt8]) async throws(Problem) -> Answer {
        let isDryRun: Bool
        let entry: ScheduleEntry
        do {
            let request = try ScheduleRequest(body, defaults: defaults)
            isDryRun = request.isDryRun
            entry = try request.entry(named: name)
            if isDryRun { try entry.check() } else { try await queue.schedule([entry]) }
        } catch {
            throw Self.problem(error)
        }
        // Somebody may take it away in between.
        guard isDryRun else { return try await show(name) }
        let there = try await found(name)
        let record = ScheduleRecord(
            entry: entry, isPaused: there?.isPaused ?? false, isConfigured: false, nextAt: nil,
            isPlanned: false, lastTick: there?.lastTick, problem: nil, version: 0)
        return .json { $0.whole(record) }
    }

    private func found(_ name: Name) async throws(Problem) -> ScheduleRecord? {
        try await read { () async throws(StoreError) in try await queue.schedule(named: name) }
    }

    /// As it stands.
    private func show(_ name: Name) async throws(Problem) -> Answer {
        guard let record = try await found(name) else { throw .notFound }
        return .json { $0.whole(record) }
    }

    private func set(_ name: Name, paused isPaused: Bool) async throws(Problem) -> Answer {
        let exists = try await read { () async throws(StoreError) in
            try await queue.setPaused(isPaused, schedule: name)
        }
        guard exists else { throw .notFound }
        return try await show(name)
    }

    private func run(_ name: Name) async throws(Problem) -> Answer {
        let id: JobID?
        do {
            id = try await queue.run(schedule: name)
        } catch {
            throw Self.problem(error)
        }
        guard let id else { throw .notFound }
        return .json(.created) { $0.member("id", id.description) }
    }

    static func problem(_ error: any Error) -> Problem {
        switch error {
        case let error as InvalidInput: .invalid(error)
        case let error as StoreError: Problem(error)
        default: Problem(StoreError.unavailable("\(error)"))
        }
    }
}

/// What a `PUT /v1/schedules/{name}` asks for.
struct ScheduleRequest {
    private static let names =
        ["cron", "zone", "clock_change", "missed", "jitter", "start", "end", "kind"]
        + JobOption.all.map(\.rawValue) + ["payload", "dry_run"]

    /// Only what it would be is asked for.
    let isDryRun: Bool
    private let fields: JobFields
    private let defaults: (Name, [UInt8]) -> JobOptions

    /// Throws `InvalidInput` for what is no object of these members.
    init(
        _ body: [UInt8], defaults: @escaping (Name, [UInt8]) -> JobOptions
    ) throws(InvalidInput) {
        self.defaults = defaults
        fields = try JobFields(body, allowing: Self.names)
        isDryRun = try fields.flag("dry_run")
    }

    /// Throws `InvalidInput` naming the member that is missing or wrong.
    func entry(named name: Name) throws(InvalidInput) -> ScheduleEntry {
        guard let cron = try fields.string("cron") else {
            throw InvalidInput(field: "cron", "must be given")
        }
        guard let kindText = try fields.string("kind") else {
            throw InvalidInput(field: "kind", "must be given")
        }
        let kind = try Name(kindText, field: "kind")
        let payload = fields.raw("payload").map(Array.init) ?? Array("{}".utf8)
        var entry = ScheduleEntry(name: name, cron: cron, kind: kind, payload: payload)
        entry.zone = try fields.string("zone") ?? "UTC"
        entry.clockChange = try fields.choice("clock_change") ?? .once
        entry.missed = try fields.choice("missed") ?? .latest
        entry.jitter = try fields.duration("jitter") ?? .zero
        entry.start = try time("start")
        entry.end = try time("end")
        entry.options = try fields.options(or: defaults(kind, payload))
        return entry
    }

    private func time(_ name: String) throws(InvalidInput) -> Timestamp? {
        guard let text = try fields.string(name) else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw InvalidInput(
                field: name, "must be a time in RFC 3339, as in 2026-11-23T19:20:00Z")
        }
        return time
    }
}

extension JSONWriter {
    mutating func schedule(_ record: ScheduleRecord) {
        object { $0.members(of: record) }
    }

    /// What one schedule is, so that it can be put in again: with its payload, as JSON where it is.
    mutating func whole(_ record: ScheduleRecord) {
        members(of: record)
        let payload = Payload(record.entry.payload)
        if payload.isSoundJSON {
            name("payload")
            raw(payload.body)
        } else {
            member("payload_text", String(decoding: payload.body, as: UTF8.self))
        }
    }

    /// What a schedule says, how it stands, its next five ticks, and what may be read otherwise.
    private mutating func members(of record: ScheduleRecord) {
        let entry = record.entry
        member("name", entry.name.description)
        member("cron", entry.cron)
        member("zone", entry.zone)
        member("clock_change", entry.clockChange.rawValue)
        member("missed", entry.missed.rawValue)
        member("jitter", DurationText.format(entry.jitter))
        member("start", entry.start?.description)
        member("end", entry.end?.description)
        member("kind", entry.kind.description)
        options(entry.options)
        member("paused", record.isPaused)
        member("configured", record.isConfigured)
        member("last_tick", record.lastTick?.description)
        member("problem", record.problem)
        let timing = record.timing
        let ticks = timing?.ticks(after: .now, count: 5) ?? []
        let local = timing.map { timing in ticks.map { timing.zone.text($0) } } ?? []
        member("next", ticks.map(\.description))
        member("next_local", local)
        member("remarks", timing?.cron.remarks ?? [])
    }
}
