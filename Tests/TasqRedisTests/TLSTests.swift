import Tasq
import TasqRedis
import TasqTesting
import TestSizes
import Testing

/// `rediss://` against a server that speaks nothing but TLS.
@Suite(.medium) struct TLSTests {
    @Test func `Over TLS everything works, the name and the authority checked`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(authority, for: ["DNS:localhost", "IP:127.0.0.1"])
        let trust = "?cacert=" + authority.certificate
        for place in ["127.0.0.1", "localhost"] {
            let bell = try Doorbell("rediss://\(place):\(redis.tlsPort)/3\(trust)")
            let job = Announcement.new()
            try await bell.announce([job])
            let taken = try await bell.announcer.take(
                upTo: 1, from: [.defaultQueue], wait: .seconds(5))
            #expect(taken == [job.id])
            let mark = try await bell.exchangeEpoch("e")
            #expect(mark == nil)
            await bell.announcer.close()
        }
    }

    @Test func `A waiting take over TLS is woken by a cancellation`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(authority, for: ["IP:127.0.0.1"])
        let bell = try Doorbell(redis.url("cacert=" + authority.certificate))
        let task = Task {
            try await bell.announcer.take(upTo: 1, from: [.defaultQueue], wait: .seconds(60))
        }
        try await redis.server.waitForBlockedClients(1)
        task.cancel()
        let taken = try await task.value
        #expect(taken.isEmpty)
        try await redis.server.waitForBlockedClients(0)
    }

    @Test func `Another authority, another name and an expired certificate are refused`()
        async throws
    {
        let (authority, stranger) = (
            try await CertificateAuthority(), try await CertificateAuthority()
        )
        let named = try await TLSRedis.start(authority, for: ["DNS:redis.test"])
        let trust = "cacert=" + authority.certificate
        try await expect(named.url("cacert=" + stranger.certificate), "is not trusted, or expired")
        try await expect(named.url(), "is not trusted, or expired")
        try await expect(named.url(trust), "certificate is for another name")
        try await expect(named.url(trust + "&sni=redis.example"), "certificate is for another name")
        let good = try Doorbell(named.url(trust + "&sni=redis.test"))
        try await good.announce([.new()])
        let expired = try await TLSRedis.start(authority, for: ["IP:127.0.0.1"], isExpired: true)
        try await expect(expired.url(trust), "is not trusted, or expired")
    }

    @Test func `A server that asks for a client certificate gets one, or is told`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(
            authority, for: ["IP:127.0.0.1"], asksClients: true)
        let own = try await authority.issue(["DNS:worker"], file: "client")
        let trust = "cacert=" + authority.certificate
        let good = try Doorbell(
            redis.url("\(trust)&cert=\(own.certificate)&key=\(own.key)"))
        try await good.announce([.new()])
        try await expect(redis.url(trust), "give cert and key")
    }

    @Test func `TLS and plain text are told apart`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(authority, for: ["IP:127.0.0.1"])
        try await expect("rediss://:hunter2@127.0.0.1:\(redis.server.port)", "the TLS port")
        try await expect("redis://:hunter2@127.0.0.1:\(redis.tlsPort)", "rediss://")
    }

    @Test func `Sentinels and the servers they name are both reached over TLS`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(authority, for: ["IP:127.0.0.1"])
        let own = try await authority.issue(["IP:127.0.0.1"], file: "sentinel")
        let port = Int.random(in: 20_000..<32_000)
        let sentinel = try await PrivateSentinel.start(
            watching: redis.server, at: redis.tlsPort, as: "bells",
            settings: [
                "tls-port \(port)", "tls-cert-file \(own.certificate)", "tls-key-file \(own.key)",
                "tls-ca-cert-file \(authority.certificate)", "tls-auth-clients no",
                "tls-replication yes",
            ])
        let trust = "cacert=" + authority.certificate
        let good = try Doorbell("rediss+sentinel://127.0.0.1:\(port)/bells?\(trust)")
        try await good.announce([.new()])
        #expect(try await good.drain().count == 1)
        try await expect("rediss+sentinel://127.0.0.1:\(port)/bells", "is not trusted, or expired")
        // One that does not speak TLS may wait for the rest of what it takes for a command.
        try await expect(
            "rediss+sentinel://127.0.0.1:\(sentinel.port)/bells?\(trust)",
            "127.0.0.1:\(sentinel.port)")
    }

    @Test func `The nodes of a cluster are reached over TLS`() async throws {
        let authority = try await CertificateAuthority()
        let redis = try await TLSRedis.start(
            authority, for: ["IP:127.0.0.1"],
            more: ["--cluster-enabled", "yes", "--tls-cluster", "yes"])
        try await redis.server.serveAllSlots()
        let trust = "cacert=" + authority.certificate
        let good = try Doorbell("rediss+cluster://127.0.0.1:\(redis.tlsPort)?\(trust)")
        let queues = [Name(unchecked: "a"), Name(unchecked: "b")]
        try await good.announce(queues.map { .new($0) })
        #expect(try await good.drain(queues).count == 2)
        try await expect(
            "rediss+cluster://127.0.0.1:\(redis.tlsPort)", "is not trusted, or expired")
    }

    @Test(arguments: [
        ("cacert=/nowhere", "cacert=/nowhere cannot be read"), ("cacert=", "without a value"),
        ("cacert", "cacert=/path"), ("ca=/x", "knows the options cacert, cert, key, sni only"),
        ("insecure=1", "knows the options"), ("sni=a&sni=b", "once"),
        ("cert=/etc/passwd", "cert and key together"), ("sni=10.0.0.1", "sni must be a name"),
        ("cacert=/etc/passwd", "holds no PEM certificate"),
    ])
    func `A mistake in the options is refused when the URL is read`(
        options: String, rule: String
    ) throws {
        let error = try #require(throws: InvalidInput.self) {
            try RedisSettings(url: "rediss://:hunter2@r?" + options)
        }
        #expect(error.description.contains(rule), "\(error.description)")
        #expect(!error.description.contains("hunter2"))
    }

    private func expect(_ url: String, _ text: String) async throws {
        let bell = try Doorbell(url)
        let error = try await #require(throws: AnnouncerError.self) {
            try await bell.announcer.refill([.new()])
        }
        #expect(error.description.contains(text), "\(error.description)")
        #expect(!error.description.contains("\n"))
        #expect(!error.description.contains("hunter2"))
        // Announcing goes on without an error, so that enqueues do.
        await bell.announcer.announce([.new()])
        await bell.announcer.close()
    }
}

/// A Redis with a TLS port beside its plain one.
private struct TLSRedis {
    let server: PrivateRedis
    let tlsPort: Int

    static func start(
        _ authority: CertificateAuthority, for names: [String], isExpired: Bool = false,
        asksClients: Bool = false, more: [String] = []
    ) async throws -> TLSRedis {
        let identity = try await authority.issue(names, isExpired: isExpired)
        var failure: any Error = CancellationError()
        for _ in 0..<5 {
            let port = Int.random(in: 20_000..<32_000)
            do {
                let server = try await PrivateRedis.start(
                    arguments: [
                        "--tls-port", "\(port)", "--tls-cert-file", identity.certificate,
                        "--tls-key-file", identity.key, "--tls-ca-cert-file",
                        authority.certificate, "--tls-auth-clients", asksClients ? "yes" : "no",
                    ] + more)
                return TLSRedis(server: server, tlsPort: port)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    func url(_ options: String? = nil) -> String {
        "rediss://127.0.0.1:\(tlsPort)" + (options.map { "?" + $0 } ?? "")
    }
}
