import Logging
import Synchronization
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqPostgres

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a test with an empty database of its own.
func withDatabase(_ body: (TestDatabase) async throws -> Void) async throws {
    try await TestDatabase.with(template: "empty", migrate: { _ in }, body)
}

/// Runs a test with a session on an empty database of its own.
func withSession(
    _ change: (inout PostgresSettings) -> Void = { _ in },
    _ body: (Session, TestDatabase) async throws -> Void
) async throws {
    try await withDatabase { database in
        var settings = try PostgresSettings(url: database.directURL).patient
        settings.applicationName = database.name
        change(&settings)
        let session = Session(settings: settings, logger: quiet)
        do {
            try await body(session, database)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }
}

/// The error a call ends with; `nil` when it succeeds.
func failure<Result: Sendable>(
    of call: () async throws(StoreError) -> Result
) async -> StoreError? {
    do throws(StoreError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}

extension StoreError {
    /// Its case, without the reason.
    var word: String {
        switch self {
        case .unavailable: "unavailable"
        case .contended: "contended"
        case .unknown: "unknown"
        case .rejected(let state, _): "rejected " + state
        case .denied: "denied"
        case .misconfigured: "misconfigured"
        case .unreadable: "unreadable"
        case .full: "full"
        }
    }
}

extension Session {
    /// Runs a statement that is used once.
    func query(_ sql: String, _ parameters: Parameters = Parameters()) throws(StoreError) -> Rows {
        try run(Statement(name: sql, text: sql), parameters)
    }
}

extension Row {
    func id<Noun>(_ column: Int) throws(StoreError) -> Identifier<Noun> { try at(column) }
    func text(_ column: Int) throws(StoreError) -> String { try at(column) }
    func int(_ column: Int) throws(StoreError) -> Int64 { try at(column) }
    func bool(_ column: Int) throws(StoreError) -> Bool { try at(column) }
}

/// A database that SQL can be run in: a test's own in the shared server, or a server of its own.
protocol TestSubject: Sendable {
    /// Also what its sessions call themselves.
    var name: String { get }

    @discardableResult
    func execute(_ sql: String) async throws(TestingError) -> String
}

extension TestDatabase: TestSubject {}

/// A server that a test may stop.
struct OwnServer: TestSubject {
    let server: PrivatePostgres
    let name = "own"

    static func start() async throws -> OwnServer {
        OwnServer(server: try await PrivatePostgres.start(durable: false))
    }

    @discardableResult
    func execute(_ sql: String) async throws(TestingError) -> String {
        try await server.execute(sql)
    }
}

extension TestSubject {
    /// Waits until a session of this test waits on the server for `event`.
    func waitUntilWaiting(for event: String) async throws {
        try await eventually("the statement is under way") {
            try await execute(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = '\(name)' AND wait_event = '\(event)'
                """) != "0"
        }
    }

    /// Sends a signal, by its SQL function, to every session that says it is this test's.
    func signal(_ function: String) async throws {
        try await execute(
            """
            SELECT count(\(function)(pid)) FROM pg_stat_activity
            WHERE application_name = '\(name)' AND pid <> pg_backend_pid()
            """)
    }
}

/// What other threads and tasks have said so far.
final class Record<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    var all: [Element] { elements.withLock { $0 } }

    func append(_ element: Element) {
        elements.withLock { $0.append(element) }
    }
}
