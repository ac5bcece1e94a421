import NIOCore
import TasqTLS
import TasqTesting

/// An authority, and a server's certificate for `a.test` and 127.0.0.1.
struct Certificates {
    let authority: CertificateAuthority
    let identity: CertificateAuthority.Identity

    init(_ names: [String] = ["DNS:a.test", "IP:127.0.0.1"], isExpired: Bool = false) async throws {
        authority = try await CertificateAuthority()
        identity = try await authority.issue(names, isExpired: isExpired)
    }

    func server() throws -> TLSHandler {
        try TLSContext(
            server: .init(certificate: identity.certificate, key: identity.key),
            farewellTime: .seconds(1)
        ).serverHandler()
    }

    func client(
        for host: String = "a.test", trusting authorities: String? = nil
    ) throws -> TLSHandler {
        try TLSContext(
            clientTrusting: authorities ?? authority.certificate, speaksHTTP: true,
            farewellTime: .seconds(1)
        ).clientHandler(for: host)
    }

    /// A connection in memory, not made yet.
    func line(
        for host: String = "a.test", trusting authorities: String? = nil, halfCloses: Bool = false
    ) throws -> Line {
        try Line(
            client(for: host, trusting: authorities), server(), halfCloses: halfCloses)
    }
}
