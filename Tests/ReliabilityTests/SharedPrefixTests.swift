import Logging
import Synchronization
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// Two databases that ring the same bell.
@Suite(.medium) struct SharedPrefixTests {
    /// A copy of a database has its epoch.
    @Test(arguments: [true, false])
    func `Two databases on one Redis prefix are told of, once each, and leave Redis in peace`(
        isCopy: Bool
    ) async throws {
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        try await TestDatabase.with(migrate: migrated) { one in
            let two = try await TestDatabase.make(migrate: migrated)
            if !isCopy {
                try await two.execute(
                    "UPDATE tasq.setting SET value = 'another' WHERE name = 'epoch'")
            }
            let logs = [WarningLog(), WarningLog()]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (database, log) in zip([one, two], logs) {
                    group.addTask { try await work(on: database.url, redis, log) }
                }
                // Each advances its mark about once a second.
                try await eventually("forty marks are written") {
                    try await calls(of: "set", redis) >= 40
                }
                let pushes = try await calls(of: "lpush", redis)
                #expect((1...30).contains(pushes), "\(pushes) pushes")
                let emptied = try await calls(of: "unlink", redis)
                #expect(emptied <= 3 * Priority.all.count, "by the first of them, before the other")
                group.cancelAll()
                while case .some = await group.nextResult() {}
            }
            for log in logs {
                let told = log.lines.filter { $0.contains("the Redis prefix shared is used by") }
                #expect(told.count == 1, "\(log.lines)")
                #expect(told.allSatisfy { $0.contains("\(one.name)/tasq") })
                #expect(told.allSatisfy { $0.contains("\(two.name)/tasq") })
                #expect(told.allSatisfy { $0.contains("TASQ_REDIS_PREFIX") })
            }
            try await two.drop()
        }
        await redis.stop()
    }

    /// It has the numbers of the cluster and of all that is in it.
    @Test func `A copy of a database's files is told of, once each, and Redis left in peace`()
        async throws
    {
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let one = try await PrivatePostgres.start(durable: false)
        let urls = [one.url(database: "postgres")]
        try await migrated(url: urls[0])
        let two = try await PrivatePostgres.start(durable: false, following: one)
        try await two.promote()
        let logs = [WarningLog(), WarningLog()]
        func told(_ log: WarningLog) -> [String] {
            log.lines.filter {
                $0.contains("the Redis prefix shared is used by postgres/tasq and by another")
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (url, log) in zip(urls + [two.url(database: "postgres")], logs) {
                group.addTask { try await work(on: url, redis, log) }
            }
            try await eventually("both are told of") {
                logs.allSatisfy { !told($0).isEmpty }
            }
            try await eventually("forty marks are written") {
                try await calls(of: "set", redis) >= 40
            }
            let pushes = try await calls(of: "lpush", redis)
            #expect((1...30).contains(pushes), "\(pushes) pushes")
            let emptied = try await calls(of: "unlink", redis)
            #expect(emptied <= 3 * Priority.all.count, "by the first of them, before the other")
            group.cancelAll()
            while case .some = await group.nextResult() {}
        }
        for log in logs { #expect(told(log).count == 1, "\(log.lines)") }
        await two.stop(.immediate)
        await one.stop(.immediate)
        await redis.stop()
    }

    /// A worker with a handful of jobs on queues that nobody serves, until it is cancelled.
    private func work(
        on url: String, _ redis: PrivateRedis, _ log: WarningLog
    ) async throws {
        let store = PostgresStore(
            try PostgresSettings(url: url).patient, logger: log.logger)
        let announcer = RedisAnnouncer(
            try RedisSettings(url: redis.url, prefix: "shared"), logger: log.logger)
        for shelf in ["a", "b", "c"] {
            let jobs = try (0..<2).map { _ in
                try NewJob(
                    kind: Name("noop"), queue: Name(shelf), payload: Payload(Array("{}".utf8)))
            }
            _ = try await store.enqueue(jobs)
        }
        let worker = Worker(
            store: store, announcer: announcer, handlers: HandlerTable(),
            settings: try WorkerSettings(queues: [.init(Name("served"))]), logger: log.logger)
        try await worker.run()
        await announcer.close()
        await store.close()
    }

    private func calls(of command: String, _ redis: PrivateRedis) async throws -> Int {
        let text = try await redis.command("info", "commandstats")
        let line = text.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("cmdstat_\(command):calls=")
        }
        return line?.split(separator: "=").dropFirst().first
            .flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
    }
}

@Sendable func migrated(url: String) async throws {
    let store = PostgresStore(
        try PostgresSettings(url: url).patient,
        logger: Logger(label: "migrate") { _ in SwiftLogNoOpLogHandler() })
    try await store.migrate()
    await store.close()
}

/// Keeps warnings and errors.
final class WarningLog: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: WarningLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.kept.withLock { $0.append("\(event.message)") }
        }
    }
}
