import Logging
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

@Suite(.medium) struct SettleTests {
    @Test func `Every outcome leaves the row, the claim and the record it should`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let cases: [(Verdict, JobStatus, attempt: Int, recorded: Int)] = [
                (.success, .success, 1, 1),
                (.retry(after: .seconds(60), reason: "late"), .scheduled, 1, 1),
                (.retry(after: .zero, reason: "now"), .queued, 1, 1),
                (.snooze(for: .seconds(60)), .scheduled, 0, 0),
                (.later(after: .seconds(60), reason: "busy"), .scheduled, 0, 0),
                (.later(after: .zero, reason: "busy"), .queued, 0, 0),
                (.cancelled(reason: "no"), .cancelled, 1, 1),
                (.error(reason: "bad\u{0}text"), .error, 1, 1),
                (.handedBack, .queued, 0, 1),
            ]
            for (verdict, status, attempt, recorded) in cases {
                let id = try await store.job()
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                let settled = try #require(try await store.settle(claimed, verdict))
                #expect(settled.status == status)
                let job = try #require(try await store.job(id))
                #expect(job.status == status)
                #expect(job.attempt == attempt)
                #expect((job.finishedAt != nil) == status.isFinal)
                #expect(try await store.attempts(of: id).count == recorded)
            }
            #expect(try await database.execute("SELECT count(*) FROM tasq.executing_job") == "0")
        }
    }

    @Test func `A job knows since when it is put off, until an attempt of it counts`() async throws
    {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            func claim() async throws -> ClaimedJob {
                try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
            }
            let later = Verdict.later(after: .zero, reason: "busy")
            #expect(try await store.settle(claim(), later)?.status == .queued)
            try await database.execute(
                "UPDATE tasq.job SET put_off_at = put_off_at - interval '1 hour'")
            for verdict in [later, .snooze(for: .zero), .handedBack, .unstarted] {
                let claimed = try await claim()
                #expect(claimed.attempt == 1 && claimed.putOff ?? .zero >= .seconds(3600))
                _ = try await store.settle(claimed, verdict)
            }
            _ = try await store.settle(claim(), .retry(after: .zero, reason: "bad"))
            let claimed = try await claim()
            #expect(claimed.attempt == 2 && claimed.putOff == nil)
            _ = try await store.settle(claimed, later)
            #expect(
                try await store.sweep(upTo: 1, for: worker, from: defaultQueues).jobs.first?.putOff
                    != nil)
        }
    }

    @Test func `What was put off and is told again is recognised, and another outcome is not`()
        async throws
    {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let first = Verdict.later(after: .zero, reason: "busy")
            let id = try await store.job()
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            for verdict in [first, first, .success, .error(reason: "x"), .handedBack, first] {
                let isSame = verdict == first
                #expect((try await store.settle(claimed, verdict) != nil) == isSame, "\(verdict)")
            }
        }
    }

    @Test func `A settlement whose answer got lost is recognised when repeated`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            let claimed = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            let first = try await store.settle(claimed, .success)
            let second = try await store.settle(claimed, .success)
            #expect(first == second)
            #expect(second?.status == .success)
        }
    }

    @Test(arguments: [Verdict.retry(after: .zero, reason: "x"), .handedBack])
    func `It is recognised too when the job has run again since`(verdict: Verdict) async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            let first = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            #expect(try await store.settle(first, verdict)?.status == .queued)
            let second = try #require(
                try await store.claim([id], for: worker, from: defaultQueues).first)
            let late = try await store.settle(first, verdict)
            #expect(late?.claim == first.claim && late?.status == .executing)
            #expect(try await store.settle(second, .success)?.status == .success)
            let later = try await store.settle(first, verdict)
            #expect(later?.claim == first.claim && later?.status == .success)
            #expect(try await store.job(id)?.status == .success)
        }
    }

    @Test func `A claim that was taken away settles nothing`() async throws {
        try await withStore { store, database in
            let first = try await store.registeredWorker()
            let id = try await store.job()
            let old = try #require(
                try await store.claim([id], for: first, from: defaultQueues).first)
            try await database.execute("DELETE FROM tasq.worker")
            #expect(try await store.reap(upTo: 10).map(\.status) == [.queued])
            #expect(try await store.settle(old, .success) == nil)

            let second = try await store.registeredWorker()
            let new = try #require(
                try await store.claim([id], for: second, from: defaultQueues).first)
            #expect(new.attempt == 2 && new.crashes == 1)
            #expect(try await store.settle(old, .success) == nil)
            #expect(try await store.settle(old, .error(reason: "late")) == nil)
            #expect(try await store.job(id)?.status == .executing)
            #expect(try await store.settle(new, .success)?.status == .success)
            #expect(try await store.settle(old, .success) == nil)
        }
    }

    @Test func `A row somebody has locked holds up its own outcome and no other`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let ids = [try await store.job(), try await store.job()]
            let claimed = try await store.claim(ids, for: worker, from: defaultQueues)
            let locker = Session(
                settings: try PostgresSettings(url: database.url), logger: .init(label: "test"))
            _ = try await locker.script(
                "BEGIN; SELECT FROM tasq.job WHERE id = '\(ids[0])' FOR UPDATE")
            let outcomes = claimed.map {
                Settlement(job: $0.id, claim: $0.claim, verdict: .success)
            }
            let first = try await store.settle(outcomes)
            #expect(first.settled.map(\.job) == [ids[1]])
            #expect(first.heldUp == Set(claimed.filter { $0.id == ids[0] }.map(\.claim)))
            _ = try await locker.script("ROLLBACK")
            let second = try await store.settle(outcomes)
            #expect(Set(second.settled.map(\.job)) == Set(ids) && second.heldUp.isEmpty)
            await locker.close()
        }
    }

    @Test func `A suspect that ended in an orderly way is no suspect any more`() async throws {
        try await withStore { store, database in
            let worker = try await store.registeredWorker()
            let id = try await store.job()
            try await database.execute("UPDATE tasq.job SET crashes = 2")
            let suspect = try #require(
                try await store.claimSuspect(for: worker, from: defaultQueues))
            _ = try await store.settle(suspect, .retry(after: .zero, reason: "not yet"))
            #expect(try await store.claim([id], for: worker, from: defaultQueues).count == 1)
        }
    }

    @Test func `A job handed back for ever burns its attempts after twenty times`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let id = try await store.job(maxAttempts: 2)
            var runs = 0
            while try await store.job(id)?.status == .queued, runs < 100 {
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                _ = try await store.settle(claimed, .handedBack)
                runs += 1
            }
            #expect(runs == 22)
            #expect(try await store.job(id)?.status == .error)
        }
    }

    @Test func `A reason is stored whatever it was`() async throws {
        try await withStore { store, _ in
            let worker = try await store.registeredWorker()
            let reasons = [
                "", "\u{0}", String(repeating: "é", count: 10_000), "🙂\u{0}\u{FFFF}",
                String(repeating: "\u{0}", count: 5000),
            ]
            for reason in reasons {
                let id = try await store.job(maxAttempts: 1)
                let claimed = try #require(
                    try await store.claim([id], for: worker, from: defaultQueues).first)
                #expect(try await store.settle(claimed, .error(reason: reason)) != nil)
                let stored = try #require(try await store.job(id)?.reason)
                #expect(stored.utf8.count <= JobLimits.reasonBytes && !stored.utf8.contains(0))
            }
        }
    }
}
