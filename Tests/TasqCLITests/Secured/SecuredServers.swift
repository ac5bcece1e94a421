import TasqTesting
import Testing

/// A PostgreSQL that lets its user in over TLS with a password only, and a Redis that speaks TLS to
/// who has a certificate of the authority's and a password.
struct SecuredServers: Sendable {
    /// With characters that mean something in a URL.
    static let password = "tr0ub@dor/3:"
    /// The same within a URL.
    static let encoded = "tr0ub%40dor%2F3%3A"
    /// What shows that a text has the password in it, in either form.
    static let telltale = "tr0ub"

    let authority: CertificateAuthority
    let postgres: PrivatePostgres
    let redis: PrivateRedis
    /// Where Redis speaks TLS.
    let redisPort: Int
    private let client: CertificateAuthority.Identity
    private let access: TemporaryFile

    /// Those of this run, with the schema in the user's database; who asks first starts them.
    static func shared() async throws -> SecuredServers { try await started.value }

    private static let started = Task { try await SecuredServers.start() }

    private static func start() async throws -> SecuredServers {
        let authority = try await CertificateAuthority()
        // Nobody but `postgres`, who is the test itself, comes in without TLS and a password.
        let access = try TemporaryFile(
            """
            host all postgres 127.0.0.1/32 trust
            hostssl all app 127.0.0.1/32 scram-sha-256

            """, name: "pg_hba.conf")
        let postgres = try await startPostgres(authority, access)
        let (redis, redisPort) = try await startRedis(authority)
        let client = try await authority.issue(["DNS:worker"], file: "client")
        let servers = SecuredServers(
            authority: authority, postgres: postgres, redis: redis, redisPort: redisPort,
            client: client, access: access)
        let migrate = try await TasqProgram.run("migrate", environment: servers.environment)
        guard migrate.exit == .code(0), migrate.output.contains("applied ") else {
            throw TestingError.failed("migrate over TLS: \(migrate.output)\(migrate.errors)")
        }
        return servers
    }

    private static func startPostgres(
        _ authority: CertificateAuthority, _ access: TemporaryFile
    ) async throws -> PrivatePostgres {
        let identity = try await authority.issue(
            ["DNS:localhost"], file: "postgres", forPostgres: true)
        let server = try await PrivatePostgres.start(
            settings: [
                "hba_file": access.path, "ssl": "on", "ssl_cert_file": identity.certificate,
                "ssl_key_file": identity.key,
            ], durable: false)
        try await server.execute(
            """
            CREATE ROLE app LOGIN PASSWORD '\(password)';
            CREATE DATABASE jobs OWNER app
            """)
        return server
    }

    private static func startRedis(
        _ authority: CertificateAuthority
    ) async throws -> (PrivateRedis, Int) {
        let identity = try await authority.issue(["IP:127.0.0.1"], file: "redis")
        var failure: any Error = CancellationError()
        for _ in 0..<5 {
            let port = Int.random(in: 20_000..<32_000)
            do {
                let server = try await PrivateRedis.start(
                    arguments: [
                        "--tls-port", "\(port)", "--tls-cert-file", identity.certificate,
                        "--tls-key-file", identity.key, "--tls-ca-cert-file",
                        authority.certificate, "--tls-auth-clients", "yes", "--requirepass",
                        password,
                    ])
                return (server, port)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// For a program that does everything right.
    var environment: [String: String] {
        ["DATABASE_URL": postgresURL(), "REDIS_URL": redisURL()]
    }

    /// The user's, secured as well as can be unless it is told otherwise.
    func postgresURL(
        host: String = "localhost", password: String = encoded, options: String? = nil
    ) -> String {
        let options = options ?? "sslmode=verify-full&sslrootcert=\(authority.certificate)"
        return "postgres://app:\(password)@\(host):\(postgres.port)/jobs?\(options)"
    }

    /// The same as libpq's other form says it.
    var connectionString: String {
        "host=localhost port=\(postgres.port) user=app password='\(Self.password)' dbname=jobs "
            + "sslmode=verify-full sslrootcert=\(authority.certificate)"
    }

    func redisURL(password: String = encoded, options: String? = nil) -> String {
        let options = options ?? "cacert=\(authority.certificate)&\(ownCertificate)"
        return "rediss://:\(password)@127.0.0.1:\(redisPort)/2?\(options)"
    }

    /// What shows Redis who we are.
    var ownCertificate: String { "cert=\(client.certificate)&key=\(client.key)" }

    /// How long a list in the URL's database is.
    func length(of list: String) async throws -> String {
        try await redis.command("-a", Self.password, "-n", "2", "LLEN", list)
    }
}
