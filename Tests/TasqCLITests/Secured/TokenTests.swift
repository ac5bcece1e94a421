import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The admin listener of `tasq serve` with tokens and a certificate.
@Suite(.medium) struct TokenTests {
    @Test func `Who may read reads, who may operate enqueues, and nobody else does, over TLS`()
        async throws
    {
        try await Fixture.with { server in
            let job = ["-d", #"{"kind":"noop"}"#]
            let trials: [(token: String?, path: String, more: [String], status: String)] = [
                (nil, "/v1/jobs", [], "401"), ("reader2", "/v1/jobs", [], "401"),
                (nil, "/v1/stream", [], "401"), ("reader", "/v1/jobs", [], "200"),
                ("reader", "/v1/jobs", job, "403"), ("operator", "/v1/jobs", job, "201"),
                ("operator", "/metrics", [], "200"), (nil, "/healthz", [], "200"),
                (nil, "/readyz", [], "200"), (nil, "/", [], "303"),
            ]
            for (token, path, more, status) in trials {
                let header = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
                let answer = try await server.ask(path, header + more)
                #expect(answer.hasSuffix(" \(status)"), "\(token ?? "nobody") \(path): \(answer)")
            }
            #expect(!server.process.standardError.contains("operator"))
        }
    }

    @Test func `The stream is followed by a token, and by the cookie of a login`() async throws {
        try await Fixture.with { server in
            let login = try await server.ask(
                "/login", ["-i", "-H", "Origin: \(server.admin)", "-d", "token=reader"])
            #expect(login.hasSuffix(" 303"), "\(login)")
            let cookie = try #require(
                login.split(whereSeparator: \.isNewline).compactMap { line in
                    line.lowercased().hasPrefix("set-cookie: ")
                        ? String(line.dropFirst("set-cookie: ".count)) : nil
                }.first)
            #expect(cookie.contains("; Secure") && cookie.contains("SameSite=Strict"), "\(cookie)")
            let proofs = ["Authorization: Bearer reader", "Cookie: \(cookie.prefix { $0 != ";" })"]
            var watchers: [ChildProcess] = []
            for proof in proofs {
                let watcher = try await server.curl("/v1/stream", ["-N", "-H", proof])
                _ = try await watcher.waitForLine(containing: "event: queues")
                watchers.append(watcher)
            }
            let operate = ["-H", "Authorization: Bearer operator"]
            let claim = #"{"worker_id":"\#(UUID())","wait":"30s"}"#
            _ = try await server.ask("/v1/jobs", operate + ["-d", #"{"kind":"noop"}"#])
            let answer = try await server.ask("/v1/claims", operate + ["-d", claim])
            #expect(answer.hasSuffix(" 200"), "\(answer)")
            for watcher in watchers {
                _ = try await watcher.waitForLine(containing: "event: start")
                watcher.signal(SIGTERM)
                _ = try await watcher.wait()
            }
            // A cookie alone changes nothing: the request must say where it comes from.
            let foreign = try await server.ask(
                "/v1/jobs", ["-H", proofs[1], "-d", #"{"kind":"noop"}"#])
            #expect(foreign.hasSuffix(" 403"), "\(foreign)")
        }
    }
}

/// A server over a database of its own; `operator` may do everything, `reader` reads.
private struct Fixture {
    let process: ChildProcess
    /// As the server printed it.
    let admin: String
    private let authority: CertificateAuthority

    static func with(_ body: (Fixture) async throws -> Void) async throws {
        try await withDatabase { database in
            let authority = try await CertificateAuthority()
            let identity = try await authority.issue(["IP:127.0.0.1"])
            let file = try TemporaryFile(
                """
                admin_tokens: { read: [env:READER] }
                http: { admin_certificate: "\(identity.certificate)", admin_key: "\(identity.key)" }
                """)
            let process = try await TasqProgram.start(
                ["serve", "--config", file.path],
                environment: [
                    "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                    "TASQ_HTTP_ADMIN": "127.0.0.1:0", "TASQ_ADMIN_TOKEN": "operator",
                    "READER": "reader",
                ])
            let line = try await process.waitForLine(containing: "admin https://")
            let server = Fixture(
                process: process, admin: String(line.dropFirst("admin ".count)),
                authority: authority)
            try await body(server)
            process.signal(SIGTERM)
            #expect(try await process.wait() == .code(0), "\(process.standardError)")
        }
    }

    func curl(_ path: String, _ words: [String]) async throws -> ChildProcess {
        try await ChildProcess.start(
            "curl",
            ["-sS", "--max-time", "60", "--cacert", authority.certificate, "-w", " %{http_code}"]
                + words + [admin + path])
    }

    /// The answer, a blank, the status.
    func ask(_ path: String, _ words: [String]) async throws -> String {
        let child = try await curl(path, words)
        _ = try await child.wait()
        return child.standardOutput + child.standardError
    }
}
