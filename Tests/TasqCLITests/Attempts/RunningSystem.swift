import Foundation
import NIOHTTP1
import TasqTesting
import TasqWebhooks
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A database and the programs that are started on it; they are told to end with the test.
final class RunningSystem {
    let database: TestDatabase
    var environment: [String: String]
    private(set) var admin = ""
    private var ingest = ""
    /// The server's number.
    private(set) var server: Int32 = 0
    private var processes: [ChildProcess] = []
    private var files: [TemporaryFile] = []

    static func with(_ body: (RunningSystem) async throws -> Void) async throws {
        try await withDatabase { database in
            let system = RunningSystem(database)
            try await body(system)
            for process in system.processes {
                process.signal(SIGTERM)
                #expect(try await process.wait() == .code(0), "\(process.standardError)")
            }
        }
    }

    private init(_ database: TestDatabase) {
        self.database = database
        environment = [
            "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
            "TASQ_HTTP_ADMIN": "127.0.0.1:0",
        ]
    }

    @discardableResult
    func startWorker(_ configuration: String) async throws -> ChildProcess {
        let worker = try await start("work", configuration)
        _ = try await worker.waitForLine(containing: "worker registered")
        return worker
    }

    @discardableResult
    func startServer(_ configuration: String = "{}") async throws -> ChildProcess {
        let server = try await start("serve", configuration)
        self.server = server.pid
        admin = try await address("admin ", of: server)
        ingest = try await address("ingest ", of: server)
        return server
    }

    private func start(_ command: String, _ configuration: String) async throws -> ChildProcess {
        let file = try TemporaryFile(configuration)
        files.append(file)
        let process = try await TasqProgram.start(
            [command, "--config", file.path], environment: environment)
        processes.append(process)
        return process
    }

    private func address(_ word: String, of server: ChildProcess) async throws -> String {
        String(try await server.waitForLine(containing: word + "http://").dropFirst(word.count))
    }

    /// Enqueues a job and returns its id.
    func enqueue(_ words: String...) async throws -> String {
        let child = try await TasqProgram.start(["enqueue"] + words, environment: environment)
        #expect(try await child.wait() == .code(0), "\(child.standardError)")
        return child.standardOutput
    }

    /// Posts to the admin listener; returns the status and the answer's text.
    func post(_ path: String, _ body: String = "") async throws -> (status: Int, text: String) {
        var request = try HTTPRequest(url: admin + path)
        request.method = .POST
        request.body = Array(body.utf8)
        let answer = try await request.answer()
        return (answer.status, answer.text)
    }

    /// Gets from the admin listener, at most so many bytes.
    func get(_ path: String, upTo limit: Int) async throws -> String {
        try await HTTPRequest(url: admin + path).answer(bodyLimit: limit).text
    }

    /// Where a source's events are posted.
    func source(_ name: String) -> String { ingest + "/in/" + name }

    /// Claims one job as a remote worker of its own; returns its token.
    func claim() async throws -> String {
        let answer = try await post("/v1/claims", #"{"worker_id":"\#(UUID())","wait":"30s"}"#)
        let after = answer.text.split(separator: #""token":""#).dropFirst().first
        return String(try #require(after?.prefix { $0 != "\"" }, "\(answer.text)"))
    }

    /// Waits until a query gives this row.
    func wait(for row: String, _ query: String) async throws {
        var last = ""
        do {
            try await eventually("\(query) is \(row)") {
                last = try await database.execute(query)
                return last == row
            }
        } catch {
            Issue.record("\(query) is \(last), not \(row)")
            throw error
        }
    }
}
