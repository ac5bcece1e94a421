import Logging
import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import Testing

/// `sslmode=verify-full` against a server that speaks TLS; libpq does the work.
@Suite(.medium) struct PostgresTLSTests {
    @Test func `verify-full takes the right server and no other, and names the mend`()
        async throws
    {
        let (authority, stranger) = (
            try await CertificateAuthority(), try await CertificateAuthority()
        )
        let identity = try await authority.issue(["DNS:localhost"], forPostgres: true)
        let server = try await PrivatePostgres.start(
            settings: [
                "ssl": "on", "ssl_cert_file": identity.certificate, "ssl_key_file": identity.key,
            ], durable: false)
        func attempt(_ host: String, _ trust: String) async throws -> StoreError? {
            let url =
                "postgres://postgres@\(host):\(server.port)/postgres"
                + "?sslmode=verify-full&sslrootcert=\(trust)"
            let store = PostgresStore(
                try PostgresSettings(url: url),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            var fault: StoreError?
            do throws(StoreError) {
                _ = try await store.migrator.status()
            } catch {
                fault = error
            }
            await store.close()
            return fault
        }
        let good = try await attempt("localhost", authority.certificate)
        #expect(good == nil)
        for (host, trust, text) in [
            ("localhost", stranger.certificate, "certificate verify failed"),
            ("127.0.0.1", authority.certificate, "does not match host name"),
            ("localhost", "/nowhere.pem", "does not exist"),
        ] {
            let fault = try #require(try await attempt(host, trust))
            guard case .misconfigured(let message) = fault else {
                Issue.record("\(fault)")
                continue
            }
            #expect(message.contains(text), "\(message)")
            #expect(message.contains("correct sslmode and its files in DATABASE_URL"))
            #expect(!message.contains("\n"), "\(message)")
        }
        // In the place of the good one; the server reads it when it comes to it.
        _ = try await authority.issue(["DNS:localhost"], isExpired: true, forPostgres: true)
        try await server.execute("SELECT pg_reload_conf()")
        try await eventually("the certificate has expired") {
            let fault = try await attempt("localhost", authority.certificate)
            guard case .misconfigured(let message)? = fault else { return false }
            return message.contains("certificate verify failed")
        }
    }

    @Test func `A server without TLS is refused where TLS is demanded`() async throws {
        let server = try await TestServers.postgres()
        let store = PostgresStore(
            try PostgresSettings(url: server.url(database: "postgres") + "?sslmode=require"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let fault = await #expect(throws: StoreError.self) {
            try await store.migrator.status()
        }
        await store.close()
        let text = try #require(fault).description
        #expect(text.contains("does not support SSL"))
        #expect(text.contains("correct sslmode"))
    }
}
