import FoundationEssentials
import Logging
import Tasq
import TasqPostgres
import TasqRedis
import TasqTesting

/// The two servers measured on: private ones, or given ones with a schema and keys of the run's own.
struct BenchServers: Sendable {
    /// Which servers; a private one for each `nil`.
    struct Place: Sendable {
        var databaseURL: String?
        var redisURL: String?
        var schema = "tasq"
    }

    /// A second schema of the run's own, for comparisons.
    static let otherSuffix = "_history"

    let databaseURL: String
    let redis: any RedisServer
    /// What the run's keys begin with.
    let prefix: String
    let schema: String
    /// For everything that is not measured.
    let admin: Session
    private let ownPostgres: PrivatePostgres?
    private let ownRedis: PrivateRedis?

    var isPrivate: Bool { ownPostgres != nil && ownRedis != nil }

    /// Starts or reaches the servers and takes the schemas.
    ///
    /// Throws ``Failure`` with `refused` when a schema of these names stands already.
    static func start(_ place: Place) async throws -> BenchServers {
        let ownPostgres =
            place.databaseURL == nil ? try await PrivatePostgres.start(durable: true) : nil
        let ownRedis = place.redisURL == nil ? try await PrivateRedis.start() : nil
        let url = place.databaseURL ?? ownPostgres?.url(database: "postgres") ?? ""
        var settings = try PostgresSettings(url: url, schema: place.schema)
        settings.statementTimeout = .seconds(900)
        settings.lockTimeout = .seconds(30)
        let redis: any RedisServer = ownRedis ?? GivenRedis(url: place.redisURL ?? "")
        let servers = BenchServers(
            databaseURL: url, redis: redis,
            prefix: "tasq-bench-" + UUID().uuidString.prefix(8).lowercased(),
            schema: place.schema, admin: Session(settings: settings, logger: .silent),
            ownPostgres: ownPostgres, ownRedis: ownRedis)
        do {
            try await servers.takeSchemas()
        } catch {
            await servers.stopOwn()
            throw error
        }
        return servers
    }

    /// Removes what the run made and stops what it started.
    func stop() async throws {
        var failure: (any Error)?
        if ownPostgres == nil {
            do {
                for schema in schemas { try await dropSchema(schema) }
            } catch {
                failure = error
            }
        }
        if ownRedis == nil {
            do { try await forget() } catch { failure = failure ?? error }
        }
        await stopOwn()
        if let failure { throw failure }
    }

    /// Makes Redis lose everything it knows of the run.
    func forget() async throws {
        if ownRedis != nil {
            try await redis.command("FLUSHALL")
        } else {
            try await redis.command(["DEL", "\(prefix):{epoch}"] + lists)
        }
    }

    /// The number of ids on the lists.
    func listed() async throws -> Int {
        var count = 0
        for list in lists { count += Int(try await redis.command("LLEN", list)) ?? 0 }
        return count
    }

    private var lists: [String] {
        Priority.all.map { "\(prefix):{\(Name.defaultQueue)}:ready:\($0.level)" }
    }

    private var schemas: [String] { [schema, schema + Self.otherSuffix] }

    /// Leaves the schema empty but for the current tables.
    func renew(_ schema: String) async throws {
        try await dropSchema(schema)
        try await makeSchema(schema)
        let store = PostgresStore(
            try PostgresSettings(url: databaseURL, schema: schema), logger: .silent)
        do {
            try await store.migrate()
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// Rows of a reading statement.
    func rows(_ sql: String) async throws -> Rows {
        try await admin.run(Statement(name: "bench_\(sql.hashValue)", text: sql), Parameters())
    }

    /// The mark on a schema that a run of this command made, and may drop.
    private static let mark = "made by tasq bench, which drops it"

    private func takeSchemas() async throws {
        for schema in schemas {
            let found = try await rows(
                """
                SELECT obj_description(n.oid, 'pg_namespace'),
                    to_regclass('\(schema).job') IS NOT NULL
                FROM pg_namespace AS n WHERE n.nspname = '\(schema)'
                """)
            if let row = found.first {
                guard try row.at(0, as: String?.self) == Self.mark else {
                    throw try await refusal(schema, hasJobs: row.at(1))
                }
                try await dropSchema(schema)
            }
        }
        for schema in schemas { try await makeSchema(schema) }
    }

    private func refusal(_ schema: String, hasJobs: Bool) async throws -> Failure {
        var count: Int64 = 0
        if hasJobs {
            let limit = 1000
            count = try await rows(
                "SELECT count(*) FROM (SELECT FROM \(schema).job LIMIT \(limit)) AS j")[0].at(0)
        }
        let content = count > 0 ? "holds \(count == 1000 ? "1000 or more" : "\(count)") jobs" : ""
        return Failure(
            .refused,
            "the schema \(schema) \(content.isEmpty ? "is there already" : content): "
                + "give --schema a name that is free; bench makes it and drops it")
    }

    private func makeSchema(_ schema: String) async throws {
        try await admin.script(
            "CREATE SCHEMA \(schema); COMMENT ON SCHEMA \(schema) IS '\(Self.mark)'")
    }

    private func dropSchema(_ schema: String) async throws {
        try await admin.script(
            "SET client_min_messages = warning; DROP SCHEMA IF EXISTS \(schema) CASCADE")
    }

    private func stopOwn() async {
        await admin.close()
        await ownRedis?.stop()
        await ownPostgres?.stop(.immediate)
    }
}

/// A Redis somebody else runs.
private struct GivenRedis: RedisServer {
    let url: String
}
