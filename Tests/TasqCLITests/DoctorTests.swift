import Foundation
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq doctor`.
@Suite(.medium) struct DoctorTests {
    @Test func `A system that is well is told so, line by line`() async throws {
        try await withDatabase { database in
            let redis = try await TestServers.redis()
            let run = try await TasqProgram.run(
                "doctor",
                environment: [
                    "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                    "TASQ_REDIS_PREFIX": database.keyPrefix,
                ])
            #expect(run.exit == .code(0), "\(run.output)\(run.errors)")
            let lines = ["schema", "version", "clock", "connections", "redis version"]
            for line in lines + ["redis prefix"] {
                #expect(
                    run.output.split(separator: "\n").contains {
                        $0.hasPrefix("ok") && $0.contains(" \(line) ")
                    }, "\(line): \(run.output)")
            }
            #expect(run.output.contains("none is alive: no job runs"))
            let json = try await TasqProgram.run(
                "doctor", "--json", environment: ["DATABASE_URL": database.url])
            #expect(json.output.contains(#"{"state":"ok","what":"redis","finding":"none:"#))
        }
    }

    @Test func `A Redis prefix that is another database's fails, and is named`() async throws {
        try await withDatabase { database in
            let redis = try await TestServers.redis()
            let epoch = try await database.execute(
                "SELECT value FROM tasq.setting WHERE name = 'epoch'")
            for (mark, owner) in [
                ("\(epoch):5", nil), ("\(epoch):5:1.2-3:orders/tasq", "orders/tasq"),
                ("e:5:1.2-3:a:b/tasq", "a:b/tasq"), ("e:5", "epoch e"), ("rubbish", nil),
            ] {
                _ = try await redis.command("set", "\(database.keyPrefix):{epoch}", mark)
                let run = try await TasqProgram.run(
                    "doctor",
                    environment: [
                        "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                        "TASQ_REDIS_PREFIX": database.keyPrefix,
                    ])
                #expect(run.exit == .code(owner == nil ? 0 : 1), "\(mark): \(run.output)")
                guard let owner else { continue }
                #expect(
                    run.output.contains(
                        "\(database.keyPrefix) bears the mark of \(owner), and this is "
                            + "\(database.name)/tasq"), "\(run.output)")
                #expect(run.output.contains("TASQ_REDIS_PREFIX"))
            }
            _ = try await redis.command("del", "\(database.keyPrefix):{epoch}")
        }
    }

    @Test func `Whoever holds back vacuum is named by pid and query, without what it looks for`()
        async throws
    {
        let server = try await PrivatePostgres.start(durable: false)
        let url = server.url(database: "postgres")
        let store = PostgresStore(try PostgresSettings(url: url), logger: .silent)
        try await store.migrate()
        var settings = try PostgresSettings(url: url)
        settings.applicationName = "culprit"
        settings.idleInTransactionTimeout = .seconds(3600)
        let session = Session(settings: settings, logger: .silent)
        _ = try await session.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 4111222233334444,\n'hunter2'")
        let pid = try await server.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'culprit'")
        let holders = try await store.vacuumHolders()
        #expect(holders.map(\.name) == ["culprit"])
        #expect(holders.first?.processID.map(String.init) == pid)
        #expect(holders.first?.query == "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT …, ")
        let checkup = try await store.checkup()
        let old = VacuumHolder(
            what: "session", name: "culprit", processID: 17, state: "idle in transaction",
            since: nil, queryStart: nil, age: .seconds(3600), query: holders.first?.query)
        let lines = PostgresDoctor(store: store).vacuum(checkup, [old])
        #expect(lines.contains { $0.state == .warn && $0.text.contains("culprit, pid 17") })
        #expect(lines.contains { $0.mend?.contains("pg_terminate_backend(17)") ?? false })
        #expect(lines.contains { $0.text.contains("BEGIN ISOLATION") })
        #expect(!lines.contains { $0.text.contains("hunter2") })
        expectClocksToBeCompared(PostgresDoctor(store: store), checkup)
        await session.close()
        await store.close()
        await server.stop(.immediate)
    }

    /// As far apart as is forgiven, and further, either way.
    private func expectClocksToBeCompared(_ doctor: PostgresDoctor, _ checkup: Checkup) {
        let tolerance = PostgresDoctor.clockTolerance.inMicroseconds
        let trials: [(ahead: Int64, state: Diagnosis.State, word: String)] = [
            (tolerance, .ok, "agree"), (tolerance + 3_000_000, .warn, "ahead"),
            (-tolerance, .ok, "agree"), (-tolerance - 3_000_000, .warn, "behind"),
        ]
        for (ahead, state, word) in trials {
            // The server's clock is ahead of one that is behind it.
            let here = Timestamp(microseconds: checkup.clock.microseconds - ahead)
            let line = doctor.clock(checkup, sent: here, received: here)
            #expect(line.state == state && line.text.contains(word), "\(ahead): \(line.text)")
            #expect((line.mend == nil) == (state == .ok))
        }
    }

    @Test func `Kinds that no worker knows are told, with their queue`() async throws {
        try await withDatabase { database in
            let environment = ["DATABASE_URL": database.url]
            let store = PostgresStore(try PostgresSettings(url: database.url), logger: .silent)
            try await store.register(
                WorkerRecord(
                    host: "test", processID: 1, queues: [.defaultQueue], concurrency: 1,
                    version: "test", heartbeat: .seconds(2), lease: .seconds(60), kinds: ["mail"]))
            for arguments in [["mail"], ["nail"], ["nail"], ["other", "--queue", "elsewhere"]] {
                let run = try await TasqProgram.start(
                    ["enqueue"] + arguments, environment: environment)
                #expect(try await run.wait() == .code(0))
            }
            let lines = PostgresDoctor(store: store)
            let told = await lines.examine().filter { $0.name == "kinds" }
            #expect(told.count == 1)
            #expect(told.first?.state == .warn)
            #expect(
                told.first?.text == "2 queued jobs of kind nail in queue default: "
                    + "no worker there has a handler for it")
            await store.close()
        }
    }

    @Test func `Statistics that lag behind the jobs are told`() async throws {
        try await withDatabase { database in
            try await database.execute(
                """
                ALTER TABLE tasq.job SET (autovacuum_enabled = false);
                INSERT INTO tasq.job
                    (id, payload_id, queue, kind, status, priority, max_attempts, run_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'q', 'k', 'queued', 1, 1, now()
                FROM generate_series(1, \(PostgresDoctor.manyChanges))
                """)
            try await eventually("the doctor has heard of it") {
                let run = try await TasqProgram.run(
                    "doctor", environment: ["DATABASE_URL": database.url])
                return run.output.split(separator: "\n").contains { line in
                    line.hasPrefix("warn") && line.contains("were never taken")
                }
            }
            try await database.execute("ANALYZE tasq.job")
            try await eventually("it is well again") {
                let run = try await TasqProgram.run(
                    "doctor", environment: ["DATABASE_URL": database.url])
                return run.output.contains("as fresh as they need to be")
            }
        }
    }

    @Test func `Sentinels and the nodes of a cluster each have their lines`() async throws {
        let cluster = try await PrivateRedisCluster.start()
        let primary = try await PrivateRedis.start()
        let sentinel = try await PrivateSentinel.start(watching: primary, as: "bells")
        try await withDatabase { database in
            let url = "redis+sentinel://127.0.0.1:\(sentinel.port),127.0.0.1:9/bells"
            let watched = try await TasqProgram.run(
                "doctor", environment: ["DATABASE_URL": database.url, "REDIS_URL": url])
            #expect(watched.output.contains("1 of 2 name 127.0.0.1:\(primary.port)"))
            #expect(watched.output.contains("sentinel 127.0.0.1:9: connection refused"))
            let spread = try await TasqProgram.run(
                "doctor", environment: ["DATABASE_URL": database.url, "REDIS_URL": cluster.url])
            #expect(spread.exit == .code(0), "\(spread.output)\(spread.errors)")
            #expect(spread.output.contains("16384 of 16384 slots are served"))
            for node in cluster.primaries {
                #expect(spread.output.contains("127.0.0.1:\(node.port): 7."))
            }
        }
    }

    @Test func `What fails is a line with its mend, and exits 1`() async throws {
        let redis = try await PrivateRedis.start(arguments: ["--save", ""])
        let server = try await PrivatePostgres.start(
            settings: [
                "autovacuum": "off", "synchronous_commit": "off", "max_connections": "16",
            ], durable: false)
        let environment = [
            "DATABASE_URL": server.url(database: "postgres"), "REDIS_URL": redis.url,
        ]
        let bare = try await TasqProgram.run("doctor", environment: environment)
        #expect(bare.exit == .code(1) && bare.output.contains("run `tasq migrate`"))
        _ = try await TasqProgram.run("migrate", environment: environment)
        _ = try await redis.command("config", "set", "maxmemory-policy", "allkeys-lru")
        // Where it would save to is gone.
        try FileManager.default.removeItem(atPath: redis.directory)
        _ = try await redis.command("bgsave")
        try await eventually("a save has failed") {
            try await redis.command("info", "persistence").contains("rdb_last_bgsave_status:err")
        }
        let run = try await TasqProgram.run("doctor", environment: environment)
        #expect(run.exit == .code(1))
        #expect(run.output.contains("autovacuum is off"))
        #expect(run.output.contains("synchronous_commit is off"))
        #expect(run.output.contains("CONFIG SET maxmemory-policy noeviction"))
        #expect(run.output.contains("the last save failed"), "\(run.output)")
        // One worker and one server may want more connections than there are.
        #expect(run.output.contains("raise max_connections, run fewer workers"), "\(run.output)")
        await server.stop(.immediate)
        await redis.stop()
        let down = try await TasqProgram.run("doctor", environment: environment)
        #expect(down.exit == .code(1) && down.errorLines.count == 1)
        let failed = down.output.split(separator: "\n").filter { $0.hasPrefix("fail") }
        #expect(failed.count == 2, "\(down.output)")
    }
}
