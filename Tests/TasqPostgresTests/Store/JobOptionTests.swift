import TasqTesting
import TestSizes
import Testing

@testable import Tasq
@testable import TasqPostgres

/// A job's options from one end to the other, whatever they are.
@Suite(.medium) struct JobOptionTests {
    /// Each other than what a job gets of which nobody says more.
    private static func others() throws -> JobOptions {
        var said = SomeJobOptions()
        for option in JobOption.all {
            let value = option.range.map { JobOption.Value.number($0.lowerBound) }
            try said.set(option, to: value ?? .text("other"))
        }
        return said.over(JobOptions())
    }

    private let options: JobOptions

    init() throws {
        options = try Self.others()
    }

    private func job(
        uniqueKey: String? = nil, _ policy: ConflictPolicy = .keep
    ) throws -> NewJob {
        try NewJob(
            kind: Name("noop"), options: options, uniqueKey: uniqueKey, onConflict: policy,
            payload: Payload(Array("{}".utf8)))
    }

    private func plain(uniqueKey: String? = nil) throws -> NewJob {
        try NewJob(kind: Name("noop"), uniqueKey: uniqueKey, payload: Payload([]))
    }

    @Test func `What is said of some options leaves the others as they are given`() throws {
        for option in JobOption.all {
            let value = try #require(options[option])
            #expect(value != JobOptions()[option], "\(option)")
            var said = SomeJobOptions()
            try said.set(option, to: value)
            for other in JobOption.all {
                let given = other == option ? options : JobOptions()
                #expect(said.over(JobOptions())[other] == given[other], "\(option) \(other)")
            }
            let wrong = option.range == nil ? JobOption.Value.number(1) : .text("1")
            #expect(throws: InvalidInput.self) { try said.set(option, to: wrong) }
        }
        #expect(SomeJobOptions().over(options) == options)
    }

    @Test func `A value that an option never has is refused by the option's name`() throws {
        for option in JobOption.all {
            let values: [JobOption.Value]
            if let range = option.range {
                values = [.number(range.lowerBound - 1), .number(range.upperBound + 1)]
            } else {
                values = [.text(""), .text(String(repeating: "k", count: 201))]
            }
            for value in values {
                let error = #expect(throws: InvalidInput.self, "\(option) \(value)") {
                    var said = SomeJobOptions()
                    try said.set(option, to: value)
                    try said.over(JobOptions()).check()
                }
                #expect(error?.field == option.rawValue)
            }
        }
    }

    @Test func `Every option is stored on every way in, and read on every way out`() async throws {
        try await withStore { store, database in
            let jobs = try await enqueued(in: store, database)
            for id in jobs { #expect(try await store.job(id)?.options == options, "\(id)") }
            let filter = JobFilter(queue: options.queue)
            let listed = try await store.jobs(matching: filter, after: nil, limit: 100).jobs
            #expect(Set(listed.map(\.id)) == jobs && listed.allSatisfy { $0.options == options })
            let explained = try #require(try await store.circumstances(of: listed[0].id))
            #expect(explained.job.options == options)

            let worker = WorkerRecord(
                host: "test", processID: 1, queues: [options.queue], concurrency: 100,
                version: "test", heartbeat: .seconds(2), lease: .seconds(60).onThisMachine)
            try await store.register(worker)
            var claimed = try await store.claim(
                [listed[0].id], for: worker.id, from: [options.queue])
            #expect(claimed.count == 1)
            claimed += try await store.sweep(
                upTo: 100, for: worker.id, from: [options.queue]
            ).jobs
            #expect(Set(claimed.map(\.id)) == jobs)
            #expect(claimed.allSatisfy { $0.options == options })
        }
    }

    /// Jobs with the options, each put in on a way of its own.
    private func enqueued(
        in store: PostgresStore, _ database: TestDatabase
    ) async throws -> Set<JobID> {
        let (alone, more) = (try job(), try job())
        _ = try await store.enqueue([alone])
        let alike = [try job(), try job()]
        _ = try await store.enqueue(alike)
        let mixed = [try plain(), try job()]
        _ = try await store.enqueue(mixed)
        // One that stands already, so that the others are written with that in mind.
        _ = try await store.enqueue([alone, more])
        let unique = [try plain(uniqueKey: "u"), try job(uniqueKey: "v")]
        _ = try await store.enqueue(unique)
        let successor = try job(uniqueKey: "u", .replace)
        _ = try await store.enqueue([successor])

        let event = NewEvent(
            source: try Name("s"), providerID: "1", payload: Payload([]), jobs: [try job()])
        _ = try await store.accept([event])
        let replayed = try job()
        _ = try await store.replay(event.id, as: [replayed], unlessUnfinished: false)
        let made = try await store.jobs(of: event.id)
        #expect(made.count == 2 && made.allSatisfy { $0.options == options })

        let entry = try schedule { $0.options = options }
        try await store.put([schedule()], isConfiguration: false)
        try await store.put([entry], isConfiguration: false)
        let record = try await store.schedule()
        #expect(record.entry == entry)
        #expect(try await store.dueSchedules(upTo: 1).records.first?.entry == entry)
        try await store.put([entry], isConfiguration: false)
        #expect(try await store.schedule().version == record.version, "it stands as it is to stand")
        let ticked = try job()
        let firing = Firing(schedule: record, ticks: [(tick: .now, job: ticked)], next: nil)
        _ = try await store.fire([firing], isByHand: true)

        let target = try #require(ConnectionTarget(url: database.url, defaults: []))
        let connection = try Connection(to: target, timeout: .seconds(60).onThisMachine)
        let within = unsafe try EnqueueStatement(job()).run(on: connection.handle)

        let own = alike + [alone, mixed[1], more, unique[1], successor] + event.jobs
        return Set(own.map(\.id) + [replayed.id, ticked.id, within])
    }
}
