import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The program between servers that ask for TLS, certificates, passwords and tokens.
@Suite(.medium) struct SecuredTests {
    @Test func `Everything works over TLS with passwords, and no password is shown`() async throws {
        let servers = try await SecuredServers.shared()
        let environment = servers.environment
        let file = try TemporaryFile("handlers: { noop: { noop: {} } }")
        let worker = try await TasqProgram.start(
            ["work", "--config", file.path], environment: environment)
        _ = try await worker.waitForLine(containing: "worker registered")
        var shown = ""
        for url in [servers.postgresURL(), servers.connectionString] {
            let run = try await TasqProgram.run(
                "enqueue", "noop",
                environment: environment.merging(["DATABASE_URL": url]) { $1 })
            #expect(run.exit == .code(0) && run.errors.isEmpty, "\(run.errors)")
            shown += run.output
        }
        // On a queue that nobody serves, so that what was announced stays.
        // A busy machine may make one take longer than an enqueue waits for it.
        try await eventually("an announcement arrives") {
            let other = try await TasqProgram.run(
                "enqueue", "noop", "--queue", "elsewhere", environment: environment)
            #expect(other.errors.isEmpty, "\(other.errors)")
            return try await servers.length(of: "tasq:{elsewhere}:ready:1") != "0"
        }
        try await eventually("the jobs are a success") {
            try await servers.postgres.execute(
                "SELECT count(*) FROM tasq.job WHERE kind = 'noop' AND status = 'success'",
                in: "jobs") == "2"
        }
        let secured = try await servers.postgres.execute(
            """
            SELECT bool_and(s.ssl) AND count(*) > 1 FROM pg_stat_ssl AS s
            JOIN pg_stat_activity AS a USING (pid) WHERE a.usename = 'app'
            """)
        #expect(secured == "t")
        for words in [
            ["jobs", "list"], ["queues", "list"], ["workers", "list"], ["top", "--once"],
            ["verify", "--pause", "0s"], ["doctor"], ["config", "show"],
        ] {
            let child = try await TasqProgram.start(words, environment: environment)
            #expect(try await child.wait() == .code(0), "\(words): \(child.lines)")
            shown += child.standardOutput + child.standardError
        }
        #expect(shown.contains("no violation; "))
        worker.signal(SIGTERM)
        #expect(try await worker.wait() == .code(0), "\(worker.standardError)")
        let warnings = worker.standardError.split(separator: "\n").filter {
            $0.contains(" warning ") && $0.contains("redis")
        }
        #expect(warnings.isEmpty)
        #expect(!(shown + worker.standardError).contains(SecuredServers.telltale))
    }

    @Test func `A wrong password exits 77, is tried once by each, and is not repeated`()
        async throws
    {
        let servers = try await SecuredServers.shared()
        let environment = [
            "DATABASE_URL": servers.postgresURL(password: SecuredServers.telltale),
            "TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            "TASQ_LOG_LEVEL": "error",
        ]
        for words in [["enqueue", "noop"], ["work"], ["serve"]] {
            let child = try await TasqProgram.start(words, environment: environment)
            #expect(try await child.wait() == .code(77), "\(words): \(child.standardError)")
            let lines = child.standardError.split(separator: "\n")
            #expect(lines.count == 1, "\(child.standardError)")
            let told = "password authentication failed for user \"app\""
            #expect(child.standardError.contains(told), "\(child.standardError)")
            #expect(!child.standardError.contains(SecuredServers.telltale))
            #expect(child.standardOutput.isEmpty)
        }
        // More tries would lock an account, where somebody counts them.
        let log = try String(contentsOfFile: servers.postgres.directory + "/log", encoding: .utf8)
        #expect(log.ranges(of: "password authentication failed").count == 3, "\(log)")
    }

    @Test func `A wrong password for Redis exits 77 where Redis is needed, and refuses no job`()
        async throws
    {
        let servers = try await SecuredServers.shared()
        let wrong = servers.redisURL(password: SecuredServers.telltale)
        let environment = ["DATABASE_URL": servers.postgresURL(), "REDIS_URL": wrong]
        let verify = try await TasqProgram.run(
            "verify", "--pause", "0s", environment: environment)
        #expect(verify.exit == .code(77), "\(verify.errors)")
        #expect(verify.errors.contains("refused the user or the password"), "\(verify.errors)")
        #expect(verify.errorLines.count == 1)
        let enqueue = try await TasqProgram.run(
            "enqueue", "later", "--delay", "1h", environment: environment)
        #expect(enqueue.exit == .code(0) && JobID(enqueue.output) != nil, "\(enqueue.errors)")
        #expect(!(verify.errors + enqueue.errors).contains(SecuredServers.telltale))
    }

    @Test func `Another authority, another name and a plain connection exit 78 with the mend`()
        async throws
    {
        let servers = try await SecuredServers.shared()
        let stranger = try await CertificateAuthority()
        for (url, text) in [
            (
                servers.postgresURL(
                    options: "sslmode=verify-full&sslrootcert=\(stranger.certificate)"),
                "certificate verify failed"
            ),
            (servers.postgresURL(host: "127.0.0.1"), "does not match host name"),
            (servers.postgresURL(options: "sslmode=verify-full"), "root certificate"),
            (servers.postgresURL(options: "sslmode=disable"), "no encryption"),
        ] {
            for words in [["enqueue", "noop"], ["work"]] {
                let child = try await TasqProgram.start(
                    words,
                    environment: [
                        "DATABASE_URL": url, "TASQ_LOG_LEVEL": "error", "HOME": "/nowhere",
                    ])
                #expect(try await child.wait() == .code(78), "\(child.standardError)")
                #expect(child.standardError.contains(text), "\(child.standardError)")
                let mend = "correct sslmode"
                #expect(child.standardError.contains(mend), "\(child.standardError)")
                #expect(child.standardError.split(separator: "\n").count == 1)
                #expect(!child.standardError.contains(SecuredServers.telltale))
            }
        }
    }

    @Test func `A Redis of another authority or name, or that wants to know us, exits 78`()
        async throws
    {
        let servers = try await SecuredServers.shared()
        let stranger = try await CertificateAuthority()
        let own = servers.ownCertificate
        let trust = "cacert=\(servers.authority.certificate)"
        let plain = "redis://:\(SecuredServers.encoded)@127.0.0.1:\(servers.redisPort)"
        let cases: [(url: String, code: Int32, text: String)] = [
            (
                servers.redisURL(options: "cacert=\(stranger.certificate)&\(own)"), 78,
                "is not trusted"
            ),
            (servers.redisURL(options: own), 78, "is not trusted"),
            (servers.redisURL(options: "\(trust)&\(own)&sni=redis.test"), 78, "another name"),
            (servers.redisURL(options: trust), 78, "give cert and key"),
            // One that hangs up may as well be full.
            (plain, 69, "use rediss://"),
        ]
        for (url, code, text) in cases {
            let run = try await TasqProgram.run(
                "verify", "--pause", "0s",
                environment: ["DATABASE_URL": servers.postgresURL(), "REDIS_URL": url])
            #expect(run.exit == .code(code), "\(text): \(run.errors)")
            #expect(run.errors.contains(text), "\(run.errors)")
            #expect(run.errorLines.count == 1, "\(run.errors)")
            #expect(!run.errors.contains(SecuredServers.telltale))
        }
    }
}
