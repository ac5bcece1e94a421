import FoundationEssentials
import TasqTesting

/// A PostgreSQL of the checkers' own, a database for each history they look at.
///
/// They go by SQL and by what was written down, through `psql`, and share nothing with tasq.
struct Scratch: Sendable {
    let server: any PostgresServer
    private let own: PrivatePostgres?

    /// On a server that somebody else stops.
    init(server: any PostgresServer) {
        self.server = server
        own = nil
    }

    private init(own: PrivatePostgres) {
        server = own
        self.own = own
    }

    static func start() async throws -> Scratch {
        Scratch(
            own: try await PrivatePostgres.start(
                settings: ["autovacuum": "off", "jit": "off"], durable: false))
    }

    func stop() async {
        await own?.stop(.immediate)
    }

    /// A fresh database with the checkers' tables, dropped after the body.
    func withDatabase<Result>(_ body: (History) async throws -> Result) async throws -> Result {
        let name = "chk_" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(12)
        try await server.createDatabase(name)
        let history = History(server: server, database: name)
        do {
            try await history.run(String(decoding: PackageResources.schema_sql, as: UTF8.self))
            let result = try await body(history)
            try await server.dropDatabase(name)
            return result
        } catch {
            try await server.dropDatabase(name)
            throw error
        }
    }
}

/// One history in a database, to be checked.
struct History: Sendable {
    let server: any PostgresServer
    let database: String

    /// Rows that one invariant found at most; the rest is counted.
    static let exampleLimit = 10

    @discardableResult
    func run(_ sql: String) async throws -> String {
        // Of a soak it is hundreds of thousands of jobs.
        try await server.execute(sql, in: database, within: .seconds(1800))
    }

    /// Reads a run's folder and sets what the run was asked to be.
    func load(_ evidence: Evidence, _ settings: [(name: String, value: Double)]) async throws {
        let load = String(decoding: PackageResources.load_sql, as: UTF8.self)
        try await run(load.replacing("FOLDER", with: evidence.path.replacing("'", with: "''")))
        try await set(settings)
    }

    func set(_ settings: [(name: String, value: Double)]) async throws {
        let rows = settings.map { "('\($0.name)', \($0.value))" }.joined(separator: ", ")
        try await run("INSERT INTO cfg VALUES \(rows)")
    }

    /// Puts the history together and checks all that must hold of it.
    func check() async throws -> [Finding] {
        var script = String(decoding: PackageResources.history_sql, as: UTF8.self)
        for invariant in Invariant.all {
            script += """
                CREATE TABLE "\(invariant.name)" AS \(invariant.sql);
                SELECT json_build_object(
                    'invariant', '\(invariant.name)',
                    'count', (SELECT count(*) FROM "\(invariant.name)"),
                    'examples', coalesce((
                        SELECT json_agg(coalesce(f.subject, '') || ': ' || coalesce(f.detail, ''))
                        FROM (SELECT * FROM "\(invariant.name)" LIMIT \(Self.exampleLimit)) AS f
                    ), '[]'));

                """
        }
        return try await run(script).split(separator: "\n").compactMap { line in
            let finding = try JSONDecoder().decode(Finding.self, from: Data(line.utf8))
            return finding.count > 0 ? finding : nil
        }
    }

    /// The figures of a history that was checked.
    func figures() async throws -> [Figure] {
        try await run(String(decoding: PackageResources.figures_sql, as: UTF8.self))
            .split(separator: "\n").compactMap { line in
                let parts = line.split(separator: "|", omittingEmptySubsequences: false)
                guard parts.count == 3, let value = Double(parts[1]) else { return nil }
                return Figure(name: String(parts[0]), value: value, unit: String(parts[2]))
            }
    }

    /// The tokens of the jobs of a history that was checked that were lost, as may happen, with a
    /// primary whose standby lagged.
    func lostWithPrimary() async throws -> [String] {
        try await run("SELECT token FROM lost_with_primary ORDER BY acknowledged")
            .split(separator: "\n").map(String.init)
    }
}

/// Where an invariant did not hold.
struct Finding: Sendable, Codable {
    let invariant: String
    let count: Int
    /// The first of them.
    let examples: [String]
}
