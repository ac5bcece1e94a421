import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// The page and the list of what is held back.
@Suite(.medium) struct HeldBackTests {
    private let target = "http://a.test:80"

    @Test func `A target is told once, as the job says of it that was put off last`() async throws {
        try await Stack.with { stack, database in
            let none = try await stack.ask("GET", "/v1/held-back")
            #expect(none.text == #"{"held_back":[],"more":false}"#)
            let stem = "held back since \(target) failed"
            let (older, newer) = (
                "\(stem) 5 times in a row, the last time: answered 500",
                "\(stem) 6 times in a row, the last time: connection refused"
            )
            try await database.putOff(3, for: older, ago: "1 min", queue: "late")
            try await database.putOff(2, for: newer, ago: "1 s")
            try await database.putOff(1, for: "http://b.test:80/hook answered 429")
            _ = try await stack.enqueue(#"{"kind":"mail","delay":"1m"}"#)
            let list = try await stack.ask("GET", "/v1/held-back")
            #expect(list.status == 200)
            let first =
                #"{"held_back":[{"target":"\#(target)","state":"failing","jobs":5,"#
                + #""queues":["hooks","late"],"reason":"\#(newer)","since":"20"#
            #expect(list.text.hasPrefix(first), "\(list.text)")
            let second =
                #",{"target":null,"state":null,"jobs":1,"queues":["hooks"],"#
                + #""reason":"http://b.test:80/hook answered 429","since":"20"#
            #expect(list.text.contains(second), "\(list.text)")
            #expect(list.text.hasSuffix(#"],"more":false}"#), "\(list.text)")
            let page = try await stack.ask("GET", "/held-back").text
            #expect(page.contains(target) && page.contains(newer), "\(page)")
            #expect(!page.contains(older) && page.contains("fails: one at a time tries"), "\(page)")
            #expect(page.contains("asks for patience"), "\(page)")
            #expect(try await stack.ask("GET", "/v1/held-back?x=1").status == 400)
        }
    }

    @Test func `A page of a target that is silent, and of one that recovers, says so`()
        async throws
    {
        try await Stack.with { stack, database in
            for (cause, words) in [
                (HoldReason.Cause.silence(16), "gives no answer"), (.recovery, "recovers"),
            ] {
                try await database.execute("DELETE FROM tasq.job")
                try await database.putOff(1, for: HoldReason(of: target, cause).text)
                let page = try await stack.ask("GET", "/held-back").text
                #expect(page.contains(words) && page.contains(target), "\(page)")
            }
        }
    }

    @Test func `Limits stand there with what waits, whether the queue refuses jobs or not`()
        async throws
    {
        try await Stack.with { stack, database in
            let empty = try await stack.ask("GET", "/held-back").text
            #expect(empty.contains("No queue has a limit."), "\(empty)")
            #expect(empty.contains("No job waits because it was put off."), "\(empty)")
            _ = try await stack.ask("PUT", "/v1/limits/full", #"{"max_depth": 1}"#)
            _ = try await stack.ask("POST", "/v1/jobs", #"{"kind":"a","queue":"full"}"#)
            let full = try await stack.ask("GET", "/held-back").text
            #expect(full.contains("refuses jobs") && full.contains("queue=full"), "\(full)")
            try await database.execute("DELETE FROM tasq.job")
            _ = try await stack.ask("PUT", "/v1/limits/full", #"{"max_age": "90s"}"#)
            let open = try await stack.ask("GET", "/held-back").text
            #expect(!open.contains("refuses jobs") && open.contains("90s"), "\(open)")
        }
    }
}
