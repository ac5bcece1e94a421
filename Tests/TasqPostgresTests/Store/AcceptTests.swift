import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct AcceptTests {
    @Test func `One provider id is stored once per source, with its jobs`() async throws {
        try await withStore { store, database in
            let first = try event("github", id: "d-1")
            #expect(try await store.accept([first]) == [.stored])
            #expect(try await store.accept([first]) == [.stored])
            let again = try await store.accept([
                event("github", id: "d-1"), event("gitlab", id: "d-1"),
                event("github", id: nil), event("github", id: nil),
            ])
            #expect(again == [.duplicate(of: first.id), .stored, .stored, .stored])
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "4")
            #expect(try await database.execute("SELECT count(*) FROM tasq.payload") == "4")
        }
    }

    @Test func `The same event twice in one batch is stored once`() async throws {
        try await withStore { store, database in
            let answers = try await store.accept([
                event("github", id: "d-1"), event("github", id: "d-1"),
            ])
            #expect(answers.filter { $0 == .stored }.count == 1)
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "1")
        }
    }

    @Test func `Many servers accepting the same events in other orders never deadlock`()
        async throws
    {
        try await withStore { store, database in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for round in 0..<10 {
                            let events = try (0..<20).shuffled().map {
                                try event("github", id: "\(round)-\($0)")
                            }
                            _ = try await store.accept(events)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.job") == "200")
        }
    }

    @Test func `A repetition whose event is deleted while it is looked for is stored as a new one`()
        async throws
    {
        try await withStore { store, database in
            _ = try await store.accept([event("github", id: "d-1")])
            // The event that stands is deleted once an insert has met it.
            let end = "SELECT s.id\nFROM stored AS s"
            let deleting = PostgresStore(
                try PostgresSettings(url: database.url).patient, logger: .init(label: "test")
            ) { statement in
                guard statement.name == "tasq_accept" else { return statement }
                precondition(statement.text.contains(end), "the deletion no longer fits")
                let deletion = """
                    , gone AS (
                        DELETE FROM tasq.payload AS p
                        WHERE p.event_id = 'd-1' AND p.id <> ALL ($1::uuid[]))
                    """
                return Statement(
                    name: statement.name,
                    text: statement.text.replacing(end, with: deletion + "\n" + end))
            }
            let second = try event("github", id: "d-1")
            let answers = try await deleting.accept([second, event("github", id: "d-2")])
            await deleting.close()
            #expect(answers == [.stored, .stored])
            #expect(
                try await database.execute("SELECT id FROM tasq.payload WHERE event_id = 'd-1'")
                    == second.id.description)
            #expect(try await store.job(second.jobs[0].id)?.status == .queued)
        }
    }

    @Test func `A manual redelivery of a failed event queues its jobs again`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let first = try event("github", id: "d-1")
            _ = try await store.accept([first])
            let claimed = try #require(
                try await store.claim([first.jobs[0].id], for: worker, from: defaultQueues).first)
            #expect(claimed.source?.description == "github")
            #expect(claimed.payloadID == first.id)
            _ = try await store.settle(claimed, .error(reason: "bad"))
            #expect(
                try await store.accept([event("github", id: "d-1")])
                    == [.duplicate(of: first.id, queuedAgain: true)])
            let job = try #require(try await store.job(claimed.id))
            #expect(job.status == .queued && job.attempt == 1 && job.maxAttempts == 21)
        }
    }

    @Test func `However often an event is redelivered, its job has its attempts, and their number`()
        async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let first = try event("github", id: "d-1")
            _ = try await store.accept([first])
            // As a job stands that was given all there are, used them up and was retried by hand.
            try await database.execute(
                """
                UPDATE tasq.job SET status = 'error', finished_at = now(), attempt = 1000,
                    max_attempts = 1000, put_off_at = now()
                """)
            let id = first.jobs[0].id
            for (attempt, last) in [(1001, 1001), (1002, 2001), (1003, 2002)] {
                if last == 1001 {
                    _ = try await store.apply(.retry, to: [id])
                } else {
                    _ = try await store.accept([event("github", id: "d-1")])
                }
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                #expect(claimed.attempt == attempt && claimed.maxAttempts == last)
                #expect(claimed.attemptsBefore == last - 1000 && claimed.putOff == nil)
                #expect(try await store.job(id)?.attemptsBefore == last - 1000)
                _ = try await store.settle(claimed, .error(reason: "bad"))
            }
            try await database.execute(
                "UPDATE tasq.job SET attempt = 30000, max_attempts = 30000, budget = 1000")
            #expect(
                try await store.accept([event("github", id: "d-1")]) == [.duplicate(of: first.id)])
            #expect(try await store.job(id)?.status == .error)
        }
    }
}

private func event(_ source: String, id: String?) throws -> NewEvent {
    let payload = Payload(Array(#"{"a":"\u0000"}"#.utf8))
    return NewEvent(
        source: try Name(source), providerID: id, payload: payload,
        jobs: [try NewJob(kind: Name(source), payload: payload)])
}
