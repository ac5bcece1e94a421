import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A backup and what it is good for, as the article on operating says.
@Suite(.medium) struct RestoreTests {
    @Test(
        .enabled(if: ChildProcess.find("pg_dump") != nil && ChildProcess.find("pg_restore") != nil))
    func `What waited or ran when the backup was taken runs again, and what came since is gone`()
        async throws
    {
        try await withDatabase { database in
            let redis = try await TestServers.redis()
            let dump = try TemporaryFile("", name: "jobs.dump")
            let before = try TemporaryFile("handlers: { nap: { sleep: 1h }, noop: { noop: {} } }")
            let after = try TemporaryFile("handlers: { nap: { noop: {} }, noop: { noop: {} } }")
            var environment = [
                "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                "TASQ_REDIS_PREFIX": database.keyPrefix, "TASQ_WORKER_LEASE": "3s",
                "TASQ_WORKER_HEARTBEAT": "200ms",
            ]
            let worker = try await TasqProgram.start(
                ["work", "--config", before.path], environment: environment)
            _ = try await TasqProgram.run("enqueue", "nap", environment: environment)
            try await eventually("it runs") {
                try await database.execute("SELECT count(*) FROM tasq.executing_job") == "1"
            }
            _ = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "later", environment: environment)
            try await ChildProcess.run([
                "pg_dump", "--format=custom", "--file=" + dump.path, database.url,
            ])
            _ = try await TasqProgram.run("enqueue", "noop", environment: environment)
            try await eventually("what came since is done") {
                try await database.execute(
                    "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "1"
            }
            worker.signal(SIGKILL)
            _ = try await worker.wait()

            let name = database.name + "_restored"
            try await database.server.createDatabase(name)
            environment["DATABASE_URL"] = database.server.url(database: name)
            try await ChildProcess.run([
                "pg_restore", "--exit-on-error",
                "--dbname=" + database.server.directURL(database: name), dump.path,
            ])
            let forget =
                "for _, key in ipairs(redis.call('keys', ARGV[1])) do "
                + "redis.call('unlink', key) end"
            try await redis.command("EVAL", forget, "0", database.keyPrefix + ":*")
            let next = try await TasqProgram.start(
                ["work", "--config", after.path, "--queue", "default", "--queue", "later"],
                environment: environment)
            try await eventually("both jobs are a success") {
                try await database.server.execute(
                    "SELECT status, count(*) FROM tasq.job GROUP BY 1", in: name) == "success|2"
            }
            let verify = try await TasqProgram.run(
                "verify", "--pause", "100ms", environment: environment)
            #expect(verify.exit == .code(0), "\(verify.output)")
            next.signal(SIGTERM)
            #expect(try await next.wait() == .code(0), "\(next.standardError)")
            try await database.server.dropDatabase(name)
        }
    }
}
