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

/// Both listeners of `tasq serve` with certificates.
@Suite(.medium) struct ListenerTLSTests {
    @Test func `Both listeners speak https, and a new certificate is taken at SIGHUP`()
        async throws
    {
        try await withDatabase { database in
            let authority = try await CertificateAuthority()
            let identity = try await authority.issue(["IP:127.0.0.1"])
            let file = try TemporaryFile(
                """
                http:
                  ingest_certificate: file:\(identity.certificate)
                  ingest_key: file:\(identity.key)
                  admin_certificate: \(identity.certificate)
                  admin_key: \(identity.key)
                """)
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let ingest = try await server.waitForLine(containing: "ingest https://").dropFirst(7)
            let admin = try await server.waitForLine(containing: "admin https://").dropFirst(6)
            func curl(_ words: String...) async throws -> String {
                let child = try await ChildProcess.start(
                    "curl", ["-sS", "--max-time", "20", "-w", " %{http_code}"] + words)
                _ = try await child.wait()
                return child.standardOutput + child.standardError
            }
            let trust = ["--cacert", authority.certificate]
            let large = try TemporaryFile(String(repeating: "x", count: 300_000), name: "body")
            let ready = try await curl(trust[0], trust[1], "\(admin)/healthz")
            #expect(ready.hasSuffix(" 200"))
            let jobs = try await curl(
                trust[0], trust[1], "-d", "{\"kind\":\"a\",\"payload\":{}}", "\(admin)/v1/jobs")
            #expect(jobs.hasSuffix(" 201"), "\(jobs)")
            let unknown = try await curl(
                trust[0], trust[1], "--data-binary", "@\(large.path)", "\(ingest)/in/none")
            #expect(unknown.hasSuffix(" 404"), "\(unknown)")
            let untrusted = try await curl("\(admin)/healthz")
            #expect(untrusted.contains("certificate"))
            let plain = try await curl(String(admin).replacing("https", with: "http") + "/healthz")
            #expect(!plain.hasSuffix(" 200"), "\(plain)")
            // Another authority's certificate under the same names.
            let other = try await CertificateAuthority()
            let fresh = try await other.issue(["IP:127.0.0.1"])
            for (new, old) in [
                (fresh.certificate, identity.certificate), (fresh.key, identity.key),
            ] {
                try Data(contentsOf: URL(fileURLWithPath: new))
                    .write(to: URL(fileURLWithPath: old), options: .atomic)
            }
            server.signal(SIGHUP)
            _ = try await server.waitForLine(containing: "configuration reloaded")
            for url in ["\(admin)/healthz", "\(ingest)/in/none"] {
                let before = try await curl(trust[0], trust[1], url)
                #expect(before.contains("certificate"), "\(before)")
                let after = try await curl("--cacert", other.certificate, url)
                #expect(!after.contains("certificate") && !after.hasSuffix(" 000"), "\(after)")
            }
            server.signal(SIGTERM)
            let exit = try await server.wait()
            #expect(exit == .code(0))
        }
    }

    @Test func `The system's authorities are trusted, those that SSL_CERT_FILE names if it is set`()
        async throws
    {
        try await withDatabase { database in
            let authority = try await CertificateAuthority()
            let identity = try await authority.issue(["IP:127.0.0.1"])
            let file = try TemporaryFile(
                """
                http: { ingest_certificate: "\(identity.certificate)", ingest_key: "\(identity.key)" }
                sources:
                  hub: { verify: github, secrets: ["a secret that is long enough for anybody"] }
                """)
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0",
                ])
            let ingest = try await server.waitForLine(containing: "ingest https://").dropFirst(7)
            func send(_ environment: [String: String]) async throws -> TasqProgram.Run {
                try await TasqProgram.run(
                    "webhook", "send", "hub", "--config", file.path, "--body", "-", "--to",
                    "\(ingest)/in/hub", environment: environment, input: "{}")
            }
            let trusted = try await send(["SSL_CERT_FILE": authority.certificate])
            #expect(trusted.exit == .code(0), "\(trusted.errors)")
            let stranger = try await send([:])
            #expect(stranger.exit == .code(69))
            #expect(
                stranger.errors.contains(
                    "its certificate is not to be trusted: unable to get local issuer certificate"),
                "\(stranger.errors)")
        }
    }

    @Test func `A certificate and a key that do not belong together are refused by name`()
        async throws
    {
        let authority = try await CertificateAuthority()
        let one = try await authority.issue(["IP:127.0.0.1"], file: "one")
        let other = try await authority.issue(["IP:127.0.0.1"], file: "other")
        let run = try await TasqProgram.run(
            "serve",
            environment: [
                "DATABASE_URL": "postgres://127.0.0.1:9/d",
                "TASQ_HTTP_INGEST_CERTIFICATE": one.certificate, "TASQ_HTTP_INGEST_KEY": other.key,
            ])
        #expect(run.exit == .code(78))
        #expect(run.errors.contains("http.ingest_key \(other.key) does not belong to"))
        #expect(run.errorLines.count == 1)
    }
}
