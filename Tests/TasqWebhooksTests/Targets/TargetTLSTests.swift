import Foundation
import Tasq
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

/// Targets whose certificate nobody should trust.
@Suite(.medium) struct TargetTLSTests {
    @Test(arguments: [
        ("of an authority that is not known", "DNS:localhost", false),
        ("for another host", "DNS:elsewhere.example", false),
        ("that has expired", "DNS:localhost", true),
    ])
    func `A target with a certificate that proves nothing gets no byte of the job`(
        what: String, name: String, isExpired: Bool
    ) async throws {
        let authority = try await CertificateAuthority()
        let identity = try await authority.issue([name], isExpired: isExpired)
        let server = try await ChildProcess.start(
            "openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", identity.certificate, "-key",
                identity.key, "-www",
            ])
        let line = try await server.waitForLine(containing: "ACCEPT 127.0.0.1:")
        let port = try #require(line.split(separator: ":").last)
        let target = try HTTPTarget(
            url: "https://localhost:\(port)/hook", allow: ["localhost"])
        guard case .retry(nil, let reason) = try await deliver(sampleContext(), to: target) else {
            Issue.record("delivered to a target with a certificate \(what)")
            return
        }
        #expect(reason.hasPrefix("https://localhost:\(port)"), "\(reason)")
        #expect(reason.lowercased().contains("certificate"), "\(reason)")
    }
}
