import TasqTesting
import Testing

@testable import Tasq

struct JobMetersTests {
    @Test func `Ten thousand kinds and as many queues make a page of bounded length`() throws {
        let table = JobMeterTable()
        let (mine, other) = (try Name("mine"), try Name("other"))
        for number in 0..<10_000 {
            let name = try Name("n-\(number)")
            table[mine, name].recorded(after: .milliseconds(1))
            table[name, mine].recorded(after: .milliseconds(1))
        }
        // A name that says `other` is no way around the limit, and shares no series with a meter.
        for name in [mine, other] { table[name, other].recorded(after: .milliseconds(1)) }
        table[other, mine].recorded(after: .milliseconds(1))

        let page = try page(table)
        let count = "tasq_outcome_duration_seconds_count"
        #expect(page.sum(count) == 20_003)
        #expect(table.all.count <= 2 * LabelLimit.texts + 1)
        // A queue keeps its name when its kinds lose theirs.
        #expect(page[count, ["queue": "mine", "kind": "n-0"]] == 1)
        #expect(page[count, ["queue": "mine", "kind": "n-9999"]] == nil)
        #expect(page[count, ["queue": "mine", "kind": "other"]] ?? 0 > 9900)
        #expect(page[count, ["queue": "n-9999", "kind": "mine"]] == nil)
        #expect(page[count, ["queue": "other", "kind": "other"]] ?? 0 > 9800)
    }

    @Test func `What did not happen takes no room on the page`() throws {
        let table = JobMeterTable()
        #expect(try page(table).sum("tasq_outcome_duration_seconds_count") == 0)
        let meters = table[.defaultQueue, try Name("mail")]
        meters.ended(.retry, startedAt: .now)
        let after = try page(table)
        let labels: KeyValuePairs = ["queue": "default", "kind": "mail", "outcome": "retry"]
        #expect(after["tasq_run_duration_seconds_count", labels] == 1)
        #expect(after.sum("tasq_run_duration_seconds_count") == 1)
        #expect(after.labels(of: "tasq_outcome_duration_seconds") == nil)
    }

    private func page(_ table: JobMeterTable) throws -> Exposition {
        try Exposition(PrometheusText.page(of: table.runs + [table.pickups]))
    }
}
