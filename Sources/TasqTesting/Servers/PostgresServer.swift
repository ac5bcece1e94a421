/// A PostgreSQL that tests may do everything with: a private one, or one named by its URL.
public protocol PostgresServer: Sendable {
    /// The connection URI of one of its databases.
    func url(database: String) -> String

    /// The connection URI of one of its databases past a pooler that stands before it.
    func directURL(database: String) -> String
}

extension PostgresServer {
    /// The connection URI of the database `postgres`.
    public var url: String { url(database: "postgres") }

    /// The connection URI of the database `postgres` past a pooler.
    public var directURL: String { directURL(database: "postgres") }

    /// The same as ``url(database:)``: no pooler stands before it.
    public func directURL(database: String) -> String { url(database: database) }

    /// Runs SQL through `psql` and returns the rows, one a line, columns divided by `|`.
    ///
    /// It goes past a pooler. Statements run one by one, each in a transaction of its own unless the text says `BEGIN`;
    /// the first error ends the run and is thrown. For tests and for looking at rows, not for speed.
    @discardableResult
    public func execute(
        _ sql: String, in database: String = "postgres",
        within limit: Duration = .seconds(120).onThisMachine
    ) async throws(TestingError) -> String {
        let psql = try PostgresPrograms.psql()
        return try await ChildProcess.run(
            [
                psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", directURL(database: database), "-f",
                "-",
            ],
            directory: "/", input: sql, within: limit)
    }

    /// Creates a database, as a copy of `template` if one is named.
    ///
    /// Nobody may be connected to the template meanwhile.
    public func createDatabase(
        _ name: String, template: String? = nil
    ) async throws(TestingError) {
        let copy = template.map { " TEMPLATE " + quoted($0) } ?? ""
        try await execute("CREATE DATABASE \(quoted(name))\(copy)")
    }

    /// Drops a database, with whoever is still connected to it. Does nothing if it is not there.
    public func dropDatabase(_ name: String) async throws(TestingError) {
        try await execute(
            "SET client_min_messages = error; DROP DATABASE IF EXISTS \(quoted(name)) WITH (FORCE)")
    }

    private func quoted(_ name: String) -> String {
        "\""
            + name.split(separator: "\"", omittingEmptySubsequences: false).joined(
                separator: "\"\"")
            + "\""
    }
}
