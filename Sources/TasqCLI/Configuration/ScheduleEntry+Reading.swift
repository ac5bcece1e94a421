import Tasq
import TasqHTTP
import TasqWebhooks

extension ScheduleEntry {
    /// Reads one entry of `schedules`; reports what is wrong and gives `nil` when it is unusable.
    ///
    /// One whose end has passed is as good as any: a file may stand for years.
    init?(name text: String, in schedules: ConfigurationMapping, _ handlers: [HandlerEntry]) {
        guard let map = schedules.mapping(text) else {
            schedules.report(text, "must have at least a cron text and a kind")
            return nil
        }
        defer { map.finish() }
        let name = schedules.name(text)
        let cron = map.text("cron")
        let kind = map.value("kind") { text throws(InvalidInput) in try Name(text) }
        let payload = map.text("payload").map { Array($0.utf8) } ?? Array("{}".utf8)
        if cron == nil { map.report("\(map.path).cron is missing") }
        if kind == nil, !map.has("kind") { map.report("\(map.path).kind is missing") }
        let given = kind.map { handlers.defaults(for: $0, payload: payload) } ?? JobOptions()
        // Read to the end, so that every mistake is told at once.
        self.init(
            name: name ?? .defaultQueue, cron: cron ?? "", kind: kind ?? .defaultQueue,
            payload: payload)
        zone = map.text("zone") ?? "UTC"
        clockChange =
            map.value("clock_change") { text throws(InvalidInput) -> ClockChange in
                try choice(text)
            } ?? .once
        missed =
            map.value("missed") { text throws(InvalidInput) -> MissedTicks in
                try choice(text)
            } ?? .latest
        jitter =
            map.value("jitter") { text throws(InvalidInput) in
                try duration(text, in: .zero...Self.longestJitter)
            } ?? .zero
        start = map.value("start", Self.time)
        end = map.value("end", Self.time)
        options = SomeJobOptions(reading: map, keyIsPlace: false).over(given)
        guard name != nil, cron != nil, kind != nil else { return nil }
        do throws(InvalidInput) {
            try JSONText.check(body(at: .now))
            try check(mayBeOver: true)
        } catch {
            map.report(error.field, error.rule)
            return nil
        }
    }

    private static func time(_ text: String) throws(InvalidInput) -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else {
            throw InvalidInput(
                field: "time", "must be a time in RFC 3339, as in 2026-11-23T19:20:00Z")
        }
        return time
    }
}
