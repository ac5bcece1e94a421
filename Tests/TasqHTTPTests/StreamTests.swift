import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqHTTP

/// The stream of what happens.
@Suite(.medium)
struct StreamTests {
    @Test func `A watcher hears of a start, a success, a failure and of rest`() async throws {
        try await Stack.with { stack, _ in
            try await RawConnection.open(to: stack.admin) { connection in
                try await connection.follow(stack, headers: "")
                let head = try await connection.text(until: "event: queues")
                #expect(head.contains("text/event-stream") && head.contains("retry: 3000"))
                let id = try await stack.enqueue(#"{"kind":"mail"}"#)
                let claims = try await stack.claim(#"{"worker_id":"\#(WorkerID())"}"#)
                let token = try #require(member("token", of: claims.text))
                _ = try await connection.text(until: "event: start\ndata: {\"id\":\"\(id)\"")
                _ = try await stack.ask("POST", "/v1/claims/\(token)/success")
                let text = try await connection.text(until: "event: idle")
                #expect(text.contains("event: success\ndata: {\"id\":\"\(id)\""), "\(text)")

                // Over before a look can see it run.
                let quick = try await stack.enqueue(#"{"kind":"mail"}"#)
                try await stack.end("fail", #"{"retry":false}"#)
                _ = try await connection.text(until: "event: fail\ndata: {\"id\":\"\(quick)\"")
            }
        }
    }

    @Test func `A retry, a cancellation and a hand-back are told by their names`() async throws {
        try await Stack.with { stack, database in
            try await RawConnection.open(to: stack.admin) { connection in
                try await connection.follow(stack, headers: "")
                _ = try await connection.text(until: "event: queues")
                for (end, name) in [
                    ("fail", "retry"), ("cancel", "cancelled"), ("handback", "back"),
                    ("death", "back"),
                ] {
                    let id = try await stack.enqueue(#"{"kind":"mail","queue":"\#(end)"}"#)
                    let claims = try await stack.claim(
                        #"{"worker_id":"\#(WorkerID())","queues":["\#(end)"]}"#)
                    let token = try #require(member("token", of: claims.text))
                    let claim = try #require(ClaimName(token[...]))
                    _ = try await connection.text(
                        until: "event: start\ndata: {\"id\":\"\(id)\"")
                    switch end {
                    case "fail":
                        _ = try await stack.ask(
                            "POST", "/v1/claims/\(token)/fail", #"{"delay":"1h"}"#)
                    case "cancel":
                        _ = try await stack.ask("POST", "/v1/jobs/\(id)/cancel")
                    case "handback":
                        // As a worker does that is told to stop.
                        _ = try await stack.store.settle([
                            Settlement(job: claim.job, claim: claim.claim, verdict: .handedBack)
                        ])
                    default:
                        // Whoever looks after dead workers takes the claim back.
                        try await database.execute("DELETE FROM tasq.worker")
                    }
                    let text = try await connection.text(until: "event: idle")
                    #expect(
                        text.contains("event: \(name)\ndata: {\"id\":\"\(id)\""), "\(text)")
                }
            }
        }
    }

    @Test func `Who comes back is told what was missed, or that something was`() async throws {
        try await Stack.with { stack, _ in
            let last = try await RawConnection.open(to: stack.admin) { connection in
                try await connection.follow(stack, headers: "Last-Event-ID: of-another\r\n")
                _ = try await connection.text(until: "event: gap")
                let text = try await connection.text(until: "event: queues")
                let id = try #require(text.split(separator: "id: ").last?.prefix { $0 != "\n" })
                return String(id)
            }
            let id = try await stack.enqueue(#"{"kind":"mail"}"#)
            try await stack.end("fail", #"{"retry":false}"#)
            try await RawConnection.open(to: stack.admin) { connection in
                try await connection.follow(stack, headers: "Last-Event-ID: \(last)\r\n")
                let text = try await connection.text(
                    until: "event: fail\ndata: {\"id\":\"\(id)\"")
                #expect(!text.contains("event: gap"), "\(text)")
            }
        }
    }

    @Test func `Whatever a client saw last, it gets the stream, and a gap where that is unknown`()
        async throws
    {
        try await Stack.with { stack, _ in
            let last = try await stack.firstNumber()
            let mark = try #require(last.split(separator: "-").first)
            let number = try #require(last.split(separator: "-").last.flatMap { Int($0) })
            let known = try await stack.news("Last-Event-ID: \(last)\r\n")
            #expect(known.hasPrefix("HTTP/1.1 200") && !known.contains("event: gap"), "\(known)")
            let numbers = ["", "x", "-1", "0", "\(number + 1000)", "\(Int.max)", "9\(Int.max)"]
            let strangers = ["", "of-another", "-", "--", "<script>", "\"'\\%00"]
            let long = String(repeating: "9", count: 2000)
            let asked = numbers.map { "\(mark)-\($0)" }
            let others = [long, "\(mark)", "\(mark)-\(long)"]
            for unknown in strangers + others + asked {
                let text = try await stack.news("Last-Event-ID: \(unknown)\r\n")
                #expect(text.hasPrefix("HTTP/1.1 200"), "\(unknown): \(text)")
                #expect(text.contains("event: gap\ndata: {}\n"), "\(unknown): \(text)")
                #expect(!text.contains("<script>"), "nothing of it is sent back")
            }
        }
    }

    @Test func `The stream takes no parameter but the number that was seen last`() async throws {
        let specification = String(decoding: SpecificationRoute.document, as: UTF8.self)
        let start = try #require(specification.firstRange(of: "\n  /v1/stream:\n")?.upperBound)
        let end = try #require(specification.firstRange(of: "\n  /v1/events:\n")?.lowerBound)
        let part = String(specification[start..<end])
        #expect(part.contains("parameters: [{ name: Last-Event-ID, in: header,"))
        #expect(part.components(of: "name: ") == 1)
        try await Stack.with { stack, _ in
            for query in ["x=1", "last-event-id=1", "Last-Event-ID=1", "queue=a", "%00"] {
                let refused = try await stack.ask("GET", "/v1/stream?\(query)")
                #expect(refused.status == 400, "\(query): \(refused.text)")
            }
            let head = try await stack.ask("HEAD", "/v1/stream")
            #expect(head.status == 200 && head["content-type"] == "text/event-stream")
            for method in ["POST", "PUT", "DELETE"] {
                #expect(try await stack.ask(method, "/v1/stream").status == 405, "\(method)")
            }
        }
    }

    @Test func `Watchers beyond the limit are refused until one leaves, shutdown ends the rest`()
        async throws
    {
        let feed = ActivityFeed(catalog: try unreachableStore(), logger: quiet)
        var watchers = (0..<ActivityFeed.watcherLimit).map { _ in feed.watch(after: nil) }
        #expect(watchers.allSatisfy { $0 != nil })
        #expect(feed.watch(after: nil) == nil)
        watchers.removeFirst()
        #expect(feed.watch(after: nil) != nil)
        let running = Task { await feed.run() }
        running.cancel()
        await running.value
        for watcher in watchers {
            if let watcher { for await _ in watcher {} }
        }
        #expect(feed.watch(after: nil) == nil)
    }

    @Test func `One client too many that wants the stream is told to come back`() async throws {
        try await Stack.with { stack, _ in
            let leave = Signal()
            let (here, arrived) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<ActivityFeed.watcherLimit {
                    group.addTask {
                        try await RawConnection.open(to: stack.admin) { connection in
                            try await connection.follow(stack, headers: "")
                            _ = try await connection.text(until: "retry: 3000")
                            arrived.yield()
                            await leave.wait()
                        }
                    }
                }
                var following = 0
                for await _ in here {
                    following += 1
                    if following == ActivityFeed.watcherLimit { break }
                }
                let refused = try await stack.ask("GET", "/v1/stream")
                #expect(refused.status == 503, "\(refused.text)")
                #expect(member("code", of: refused.text) == "too-many-watchers")
                #expect(refused["retry-after"] == "10")
                leave.raise()
                try await group.waitForAll()
            }
        }
    }

    /// A task that is cancelled holds a lock of the runtime while its stream ends, and whoever
    /// resumes it waits for that lock: news told under the feed's own would stop both for ever.
    @Test func `A watcher may leave at the moment it is told something`() async throws {
        let feed = ActivityFeed(catalog: try unreachableStore(), logger: quiet)
        let isOver = Signal()
        await withTaskGroup { group in
            group.addTask {
                while !isOver.isRaised {
                    feed.tell([.idle])
                    await Task.yield()
                }
            }
            for _ in 0..<20_000 {
                guard let news = feed.watch(after: nil) else { continue }
                let watcher = Task { for await _ in news {} }
                await Task.yield()
                watcher.cancel()
                await watcher.value
            }
            isOver.raise()
        }
        #expect(feed.watch(after: nil) != nil)
    }
}

extension Stack {
    /// What the stream begins with, up to the queues as they are.
    fileprivate func news(_ headers: String) async throws -> String {
        try await RawConnection.open(to: admin) { connection in
            try await connection.follow(self, headers: headers)
            return try await connection.text(until: "event: queues")
        }
    }

    /// The number of the first news that has one.
    fileprivate func firstNumber() async throws -> String {
        let text = try await news("")
        return String(try #require(text.split(separator: "id: ").last?.prefix { $0 != "\n" }))
    }
}

extension RawConnection {
    /// Asks for the stream.
    fileprivate func follow(_ stack: Stack, headers: String) async throws {
        try await send(
            "GET /v1/stream HTTP/1.1\r\nHost: \(stack.admin)\r\n\(headers)\r\n")
    }
}
