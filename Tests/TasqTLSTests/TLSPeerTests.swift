import CCrypto
import NIOCore
import TasqTesting
import TestSizes
import Testing

@testable import TasqTLS

/// Whom to trust, and peers that are not as they should be.
@Suite(.medium) struct TLSPeerTests {
    @Test func `A server is trusted under its own names and addresses only`() async throws {
        let certificates = try await Certificates([
            "DNS:a.test", "DNS:*.b.test", "DNS:f*.c.test", "IP:127.0.0.1", "IP:::1",
        ])
        for host in ["a.test", "A.Test", "a.test.", "x.b.test", "127.0.0.1", "::1", "::1%lo"] {
            let line = try certificates.line(for: host)
            line.client.write("trusted")
            try line.open()
            #expect(line.server.text == "trusted", "\(host): \(line.client.faults)")
        }
        for host in [
            "b.test", "x.y.b.test", "foo.c.test", "a.test.example", "127.0.0.2", "::2", "test",
        ] {
            let line = try certificates.line(for: host)
            line.client.write("secret")
            try line.open()
            #expect(line.client.faults == [.otherName], "\(host)")
            #expect(line.server.heard.isEmpty)
            #expect(!line.client.isOpen)
        }
        let long = String(repeating: "a", count: 256)
        for host in ["", ".", ".test", "a\0.test", "127.0.0.1\0.test", long] {
            #expect(throws: TLSFault.self) { try certificates.client(for: host) }
        }
    }

    @Test func `An authority that is not known and a date gone by are told apart`() async throws {
        let certificates = try await Certificates()
        let stranger = try await CertificateAuthority()
        let line = try certificates.line(trusting: stranger.certificate)
        try line.open()
        #expect(line.client.faults == [.untrusted("unable to get local issuer certificate")])
        // unknown_ca.
        #expect(line.server.faults == [.refused(alert: 48)])
        let expired = try await Certificates(isExpired: true).line()
        try expired.open()
        #expect(expired.client.faults == [.untrusted("certificate has expired")])
        // certificate_expired.
        #expect(expired.server.faults == [.refused(alert: 45)])
    }

    @Test func `Files that cannot be used are told apart`() async throws {
        let certificates = try await Certificates()
        let (certificate, key) = (certificates.identity.certificate, certificates.identity.key)
        let other = try await certificates.authority.issue(["DNS:b.test"], file: "other")
        let locked = key + ".locked"
        try await ChildProcess.run([
            "/usr/bin/env", "openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout",
            "pass:secret",
        ])
        let rsa = key + ".rsa"
        try await ChildProcess.run([
            "/usr/bin/env", "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
            "rsa_keygen_bits:2048", "-out", rsa,
        ])
        let weak = certificate + ".weak"
        try await ChildProcess.run([
            "/usr/bin/env", "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj",
            "/CN=weak", "-keyout", weak + ".key", "-out", weak,
        ])
        let cases: [(String, String, TLSContext.Mistake)] = [
            ("/nowhere", key, .certificate), (key, key, .certificate),
            (certificate, "/nowhere", .key), (certificate, certificate, .key),
            (certificate, locked, .key), (certificate, other.key, .otherKey),
            (certificate, rsa, .otherKey), (weak, weak + ".key", .forbidden("ee key too small")),
        ]
        for (certificate, key, mistake) in cases {
            #expect(throws: mistake, "\(certificate) \(key)") {
                try TLSContext(
                    server: .init(certificate: certificate, key: key), farewellTime: .zero)
            }
        }
        #expect(throws: TLSContext.Mistake.authorities) {
            try TLSContext(clientTrusting: "/etc/passwd", farewellTime: .zero)
        }
    }

    @Test func `TLS older than 1.2 is spoken with neither client nor server`() async throws {
        let certificates = try await Certificates()
        let old = TLS1_VERSION...TLS1_1_VERSION
        let server = try End(certificates.server())
        try server.activate()
        let client = try Stranger(versions: old)
        client.talk(to: server)
        #expect(server.faults == [.tooOld])
        let ours = try End(certificates.client())
        try ours.activate()
        try Stranger(certificates.identity, versions: old).talk(to: ours)
        // protocol_version.
        #expect(ours.faults == [.refused(alert: 70)])
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let server = try End(certificates.server())
            try server.activate()
            server.write("welcome")
            #expect(try Stranger(versions: version...version).talk(to: server) == "welcome")
        }
    }

    @Test func `A second handshake on a connection is refused to clients and servers`()
        async throws
    {
        let certificates = try await Certificates()
        let version = TLS1_2_VERSION...TLS1_2_VERSION
        let server = try End(certificates.server())
        try server.activate()
        let client = try Stranger(versions: version)
        client.talk(to: server)
        client.renegotiate()
        client.talk(to: server)
        #expect(client.complaint == "no renegotiation")
        let ours = try End(certificates.client())
        try ours.activate()
        let theirs = try Stranger(certificates.identity, versions: version)
        theirs.talk(to: ours)
        theirs.renegotiate()
        theirs.talk(to: ours)
        #expect(theirs.complaint == "no renegotiation")
        #expect(ours.heard.isEmpty)
    }

    @Test func `A peer that changes its keys is answered, and goes on`() async throws {
        let certificates = try await Certificates()
        let server = try End(certificates.server())
        try server.activate()
        let client = try Stranger(versions: TLS1_3_VERSION...TLS1_3_VERSION)
        client.talk(to: server)
        for number in 0..<100 {
            client.updateKeys()
            client.write("\(number).")
            server.receive(client.sent())
            server.write("\(number)")
            let answer = server.sent()
            // New keys, before the first data under them.
            #expect(records(in: answer) == 2)
            client.receive(answer)
            #expect(client.talk(to: server) == "\(number)")
        }
        #expect(server.text == (0..<100).map { "\($0)." }.joined())
        #expect(server.faults.isEmpty)
    }

    @Test func `What came before a write that fails is heard before the fault`() async throws {
        let certificates = try await Certificates()
        let server = try End(certificates.server())
        try server.activate()
        let client = try Stranger(versions: TLS1_2_VERSION...TLS1_2_VERSION)
        client.talk(to: server)
        client.write("the last words")
        // That is refused at once, which is the write.
        client.renegotiate()
        server.breakAtFlush()
        server.receive(client.sent())
        #expect(server.text == "the last words")
        #expect(server.faults == [.cut])
        #expect(server.heardAtFault == server.heard.count)
    }

    /// Shakes hands, and returns what follows that and has not been carried yet.
    private func tickets(of server: Stranger, to client: End) -> ByteBuffer {
        server.receive(client.sent())
        server.shakeHands()
        client.receive(server.sent())
        server.receive(client.sent())
        server.shakeHands()
        return server.sent()
    }

    @Test func `What is written between the parts of a peer's message goes out behind it`()
        async throws
    {
        let certificates = try await Certificates()
        let client = try End(certificates.client())
        try client.activate()
        let server = try Stranger(
            certificates.identity, versions: TLS1_3_VERSION...TLS1_3_VERSION)
        server.issuesLongTickets()
        var tickets = tickets(of: server, to: client)
        #expect(records(in: tickets) > 8)
        let first = tickets.readSlice(length: 700)
        client.receive(try #require(first))
        let early = client.write("early")
        // Whoever closes twice means the same.
        let ends = [client.close(.output), client.close(.output)]
        #expect(early.isKept == nil && ends.allSatisfy { $0.isKept == nil })
        client.receive(tickets)
        #expect(early.isKept == true && ends.allSatisfy { $0.isKept == true })
        #expect(client.faults.isEmpty)
        server.receive(client.sent())
        #expect(server.talk(to: client) == "early")
    }

    @Test func `A farewell in the middle of a peer's message is told as a fault`() async throws {
        let certificates = try await Certificates()
        let client = try End(certificates.client())
        try client.activate()
        let server = try Stranger(
            certificates.identity, versions: TLS1_3_VERSION...TLS1_3_VERSION)
        server.issuesLongTickets()
        server.notesSecret()
        var tickets = tickets(of: server, to: client)
        let length = try #require(
            tickets.getInteger(at: tickets.readerIndex + 3, as: UInt16.self))
        let first = tickets.readSlice(length: 5 + Int(length))
        client.receive(try #require(first))
        #expect(client.isOpen && client.faults.isEmpty)
        client.receive(try server.farewell(behind: 1))
        #expect(client.faults == [.cut])
        #expect(!client.isOpen)
    }

    @Test func `A peer that asks for new keys and reads no answer is cut off`() async throws {
        let certificates = try await Certificates()
        let server = try End(certificates.server())
        try server.activate()
        let client = try Stranger(versions: TLS1_3_VERSION...TLS1_3_VERSION)
        client.talk(to: server)
        server.isBlocked = true
        var asked = 0
        while server.isOpen, asked < 10_000 {
            client.updateKeys()
            server.receive(client.sent())
            asked += 1
        }
        #expect(!server.isOpen)
        #expect(server.faults == [.failed("too many key updates")])
    }
}

/// How many records of TLS there are; each begins with its type, a version and its length.
private func records(in bytes: ByteBuffer) -> Int {
    var (rest, count) = (bytes, 0)
    while rest.readBytes(length: 3) != nil, let length = rest.readInteger(as: UInt16.self),
        rest.readBytes(length: Int(length)) != nil
    {
        count += 1
    }
    return count
}
