import TasqTesting
import Testing

@testable import Tasq
@testable import TasqPostgres

/// A schedule, each day at two unless told otherwise, whose jobs say their tick.
func schedule(
    _ name: String = "nightly", cron: String = "0 2 * * *",
    _ edit: (inout ScheduleEntry) throws -> Void = { _ in }
) throws -> ScheduleEntry {
    var entry = ScheduleEntry(
        name: try Name(name), cron: cron, kind: try Name("report"),
        payload: Array(#"{"at":"{tick}"}"#.utf8))
    try edit(&entry)
    return entry
}

extension PostgresStore {
    func schedule(_ name: String = "nightly") async throws -> ScheduleRecord {
        try #require(try await schedules(named: Name(name)).first)
    }

    /// What one look by a scheduler does.
    func fireDue(limit: Int = 100) async throws -> [Fired] {
        let due = try await dueSchedules(upTo: 50)
        return try await fire(
            due.records.map { Firing(of: $0, now: due.asOf, limit: limit) }, isByHand: false)
    }
}
