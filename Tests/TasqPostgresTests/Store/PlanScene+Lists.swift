import Tasq

@testable import TasqPostgres

extension PlanScene {
    /// Lists whose filters match nothing, each told to look at four batches.
    var lists: [Hot] {
        let all = Statements(schema: "tasq")
        let (first, last) = ("'\(JobID.years.lowerBound)'", "'\(JobID.years.upperBound)'")
        func list(
            _ status: String, _ kind: String, _ key: String, retrying: Bool = false,
            reason: String = "NULL", running: String = "NULL"
        ) -> String {
            "\(last), \(batch), \(status), NULL, \(kind), \(key), \(first), "
                + "NULL, NULL, NULL, NULL, \(4 * batch), \(retrying), \(reason), \(running)"
        }
        func search(_ status: String, running: String = "NULL") -> String {
            list(status, "NULL", "NULL", reason: "'nope'", running: running)
        }
        let statuses = ["scheduled", "queued", "executing", "error", "cancelled"]
        return [
            Hot(statement: all.jobs, arguments: list("NULL", "'rare'", "NULL")),
            Hot(statement: all.jobs, arguments: list("NULL", "NULL", "'nope'")),
            Hot(statement: all.jobs, arguments: list("'success'", "'rare'", "NULL")),
            Hot(statement: all.jobs, arguments: list("'error'", "'rare'", "NULL")),
            Hot(statement: all.jobs, arguments: list("'cancelled'", "NULL", "NULL")),
            Hot(
                statement: all.jobs,
                arguments: list("'scheduled'", "'rare'", "NULL", retrying: true)),
            Hot(
                statement: all.jobsFew,
                arguments: list("'scheduled'", "'rare'", "NULL", retrying: true)),
            Hot(statement: all.jobs, arguments: search("NULL")),
            Hot(statement: all.jobs, arguments: search("'error'")),
            Hot(statement: all.jobs, arguments: search("'executing'", running: "3600000000")),
            Hot(statement: all.jobsFew, arguments: search("'error'")),
            Hot(statement: all.jobsFew, arguments: search("'executing'", running: "0")),
            Hot(
                statement: all.bodies,
                arguments: "public.ids('success'), 'nope', 1048576, 1048576"),
            Hot(
                statement: all.events,
                arguments: "NULL, \(batch), 'nope', NULL, NULL, \(4 * batch)"),
            Hot(
                statement: all.matchingEvents,
                arguments: "NULL, \(batch), \(batch), 'nope', NULL, NULL, NULL, now()"),
            Hot(
                statement: all.matchingEvents,
                arguments: "NULL, \(batch), \(batch), NULL, 'error', NULL, NULL, now()"),
        ]
            + statuses.map { status in
                Hot(
                    statement: all.jobsFew, arguments: list("'\(status)'", "'rare'", "NULL"))
            }
    }
}
