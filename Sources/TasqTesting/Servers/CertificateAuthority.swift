import Foundation

/// A throw-away certificate authority made with `openssl`, for tests of TLS.
///
/// Its directory and everything in it go when the object goes.
package final class CertificateAuthority: Sendable {
    /// A certificate with its key, as PEM files.
    package struct Identity: Sendable {
        package let certificate: String
        package let key: String
    }

    private let directory: String

    /// The authority's own certificate: whom clients are told to trust.
    package var certificate: String { directory + "/ca.pem" }

    /// Makes an authority.
    package init() async throws(TestingError) {
        directory =
            NSTemporaryDirectory() + "tasq-ca-" + UUID().uuidString.prefix(8).lowercased()
        try await ChildProcess.run(["/bin/mkdir", "-p", "-m", "755", directory])
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", directory + "/ca.key", "-out", certificate, "-days", "2", "-subj",
            "/CN=tasq test authority")
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: directory) } catch {}
    }

    /// Makes a certificate for names and addresses, as in `["DNS:localhost", "IP:127.0.0.1"]`.
    ///
    /// - Parameters:
    ///   - file: What its files are called; another one of that name is replaced.
    ///   - isExpired: Whether it was valid in the year 2020 only.
    ///   - forPostgres: Whether a private PostgreSQL is to read the key.
    package func issue(
        _ names: [String], file: String = "server", isExpired: Bool = false,
        forPostgres: Bool = false
    ) async throws(TestingError) -> Identity {
        let base = directory + "/" + file
        let identity = Identity(certificate: base + ".pem", key: base + ".key")
        try write(
            """
            [ca]
            default_ca = authority
            [authority]
            new_certs_dir = \(directory)
            database = \(base).index
            serial = \(base).serial
            certificate = \(certificate)
            private_key = \(directory)/ca.key
            default_md = sha256
            policy = any
            unique_subject = no
            copy_extensions = copy
            [any]
            commonName = supplied
            """, to: base + ".cnf")
        try write("", to: base + ".index")
        try write(
            String(UInt32.random(in: 0x1000_0000...0x7fff_ffff), radix: 16), to: base + ".serial")
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", identity.key, "-out", base + ".csr", "-subj", "/CN=tasq test", "-addext",
            "subjectAltName=" + names.joined(separator: ","))
        let dates =
            isExpired
            ? ["-startdate", "20200101000000Z", "-enddate", "20201231000000Z"] : ["-days", "2"]
        try await openssl(
            [
                "ca", "-batch", "-notext", "-config", base + ".cnf", "-in", base + ".csr", "-out",
                identity.certificate,
            ] + dates)
        if forPostgres, let owner = try PostgresPrograms.find().owner {
            try await ChildProcess.run(["/bin/chown", owner, identity.key])
        }
        return identity
    }

    private func openssl(_ words: String...) async throws(TestingError) {
        try await openssl(words)
    }

    private func openssl(_ words: [String]) async throws(TestingError) {
        let program = try ProgramSearch.path(of: "openssl", package: "openssl", in: [])
        try await ChildProcess.run([program] + words, within: .seconds(60).onThisMachine)
    }

    private func write(_ text: String, to path: String) throws(TestingError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw .failed("cannot write \(path)")
        }
    }
}
