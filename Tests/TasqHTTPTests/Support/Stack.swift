import Tasq
import TasqPostgres
import TasqTesting
import TestSizes
import TasqWebhooks

@testable import TasqHTTP

/// Both listeners over a PostgreSQL of their own or a database of the shared one.
struct Stack: Sendable {
    static let secret = "It's a Secret to Everybody"

    let ingest: ListenAddress
    let admin: ListenAddress
    let readiness: Readiness
    let store: PostgresStore

    /// Serves a fresh database while the body runs.
    static func with<Value: Sendable>(
        tokens: [AdminToken] = [], redis: DependencyState = .none,
        limits: HTTPLimits = AdminServer.defaultLimits, more: [WebhookSource] = [],
        defaults: @escaping @Sendable (Name, [UInt8]) -> JobOptions = { _, _ in JobOptions() },
        _ body: @Sendable (Stack, TestDatabase) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.with(migrate: migrate) { database in
            try await with(
                url: database.url, tokens: tokens, redis: redis, limits: limits, more: more,
                defaults: defaults
            ) { stack in
                try await body(stack, database)
            }
        }
    }

    /// Brings an empty database to the current schema.
    static func migrate(_ url: String) async throws {
        let store = PostgresStore(try PostgresSettings(url: url).patient, logger: quiet)
        do {
            try await store.migrate()
            await store.close()
        } catch {
            await store.close()
            throw error
        }
    }

    /// Serves the database at `url` while the body runs.
    static func with<Value: Sendable>(
        url: String, tokens: [AdminToken] = [], redis: DependencyState = .none,
        limits: HTTPLimits = AdminServer.defaultLimits, more: [WebhookSource] = [],
        defaults: @escaping @Sendable (Name, [UInt8]) -> JobOptions = { _, _ in JobOptions() },
        _ body: @Sendable (Stack) async throws -> Value
    ) async throws -> Value {
        let store = PostgresStore(try PostgresSettings(url: url).patient, logger: quiet)
        let queue = Queue(store: store)
        let loopback = ListenAddress(host: "127.0.0.1", port: 0)
        let (ingestSignal, adminSignal) = (ListenSignal(), ListenSignal())
        let readiness = Readiness()
        let meters = HTTPMeters()
        let ingest = IngestServer(
            address: loopback, sources: try sources() + more, queue: queue, meters: meters,
            logger: quiet, onListening: ingestSignal.tell)
        let admin = try AdminServer(
            address: loopback, limits: limits, tokens: tokens, queue: queue, catalog: store,
            readiness: readiness, redis: { redis }, defaults: defaults, meters: meters,
            metrics: { [Metric("tasq_more", .gauge, help: "More.", value: 1)] },
            logger: quiet, onListening: adminSignal.tell)
        do {
            let value = try await serving([admin, ingest, readiness]) { _ in
                try await body(
                    Stack(
                        ingest: ingestSignal.address(), admin: adminSignal.address(),
                        readiness: readiness, store: store))
            }
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }

    private static func sources() throws(InvalidInput) -> [WebhookSource] {
        let routing = WebhookRouting(
            try JobTemplate(kind: Name("push"), queue: Name("hooks"), maxAttempts: 7))
        return [
            try WebhookSource(
                name: Name("github"), scheme: .github, secrets: [secret], routing: routing),
            try WebhookSource(
                name: Name("paddle"), scheme: .github, secrets: [secret], routing: routing,
                respond: 200),
            try WebhookSource(
                name: Name("silent"), scheme: .github, secrets: [secret], routing: routing,
                respond: 204),
        ]
    }

    /// A delivery as GitHub sends it.
    func deliver(
        _ body: [UInt8], to source: String = "github", delivery: String? = nil,
        signature: String? = nil, headers: [String] = [], on connection: RawConnection? = nil
    ) async throws -> RawAnswer {
        let signature = signature ?? Self.signature(of: body)
        var head = [
            "POST /in/\(source) HTTP/1.1", "Host: hooks.example.com",
            "Content-Type: application/json", "Content-Length: \(body.count)",
            "X-GitHub-Event: push", "X-Hub-Signature-256: \(signature)",
        ]
        if let delivery { head.append("X-GitHub-Delivery: \(delivery)") }
        head += headers
        return try await Self.send(
            Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, to: ingest)
    }

    static func signature(of body: [UInt8]) -> String {
        let code = SignatureScheme.Algorithm.sha256.authenticationCode(
            of: body, key: Array(secret.utf8))
        return "sha256=" + hex(code)
    }

    /// A request to the admin listener.
    func ask(
        _ method: String, _ target: String, _ body: String = "", headers: [String] = []
    ) async throws -> RawAnswer {
        try await ask(method, target, bytes: Array(body.utf8), headers: headers)
    }

    /// A request to the admin listener with a body that need not be text.
    func ask(
        _ method: String, _ target: String, bytes body: [UInt8], headers: [String] = []
    ) async throws -> RawAnswer {
        let head =
            ["\(method) \(target) HTTP/1.1", "Host: \(admin)"] + headers
            + ["Content-Length: \(body.count)"]
        return try await Self.send(
            Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, to: admin,
            isHead: method == "HEAD")
    }

    private static func send(
        _ bytes: [UInt8], to address: ListenAddress, isHead: Bool = false
    ) async throws -> RawAnswer {
        let answer = try await RawConnection.open(to: address) { connection in
            // A refusal may come, and the connection go, before everything is sent.
            do { try await connection.send(bytes) } catch {}
            return try await connection.answer(toHead: isHead)
        }
        guard let answer else { throw TestingError.failed("no answer from \(address)") }
        return answer
    }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The string a member of a flat JSON object has.
func member(_ name: String, of json: String) -> String? {
    guard let start = json.firstRange(of: "\"\(name)\":\"") else { return nil }
    return String(json[start.upperBound...].prefix { $0 != "\"" })
}

/// Every route of the admin listener.
func adminRoutes() throws -> [Route] {
    let store = try unreachableStore()
    return try AdminServer(
        address: ListenAddress(host: "127.0.0.1", port: 0), tokens: [],
        queue: Queue(store: store), catalog: store, readiness: Readiness(),
        meters: HTTPMeters(), logger: quiet
    ).routes
}

/// A store that never connects, for what must fail before it would.
func unreachableStore() throws -> PostgresStore {
    PostgresStore(
        try PostgresSettings(url: "postgres://127.0.0.1:1/none"), logger: quiet)
}
