import Foundation
import TasqTesting
import Testing

@testable import TasqHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A `tasq serve` as people run it, with a durable PostgreSQL of its own, for tests that take
/// minutes. They run when `TASQ_TEST_LONG` is set, as by `compose/test --long`.
struct LongServer: Sendable {
    static let isAskedFor = ProcessInfo.processInfo.environment["TASQ_TEST_LONG"] != nil

    let process: ChildProcess
    let postgres: PrivatePostgres
    let ingest: ListenAddress
    let admin: ListenAddress

    static func with(
        _ more: [String: String] = [:], _ body: (LongServer) async throws -> Void
    ) async throws {
        let postgres = try await PrivatePostgres.start()
        let url = postgres.url(database: "postgres")
        try await Stack.migrate(url)
        let file = NSTemporaryDirectory() + "tasq-\(UUID().uuidString).yaml"
        try Data("sources: { github: { verify: github, secrets: [env:SECRET] } }".utf8)
            .write(to: URL(fileURLWithPath: file))
        let program =
            try ProcessInfo.processInfo.environment["TASQ_BIN"] ?? ChildProcess.built("tasq")
        let environment = [
            "DATABASE_URL": url, "SECRET": Stack.secret, "TASQ_CONFIG": file,
            "TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0",
        ]
        let process = try await ChildProcess.start(
            program, ["serve"], environment: environment.merging(more) { $1 })
        func address(_ name: String) async throws -> ListenAddress {
            let start = "\(name) http://"
            let line = try await process.waitForLine(containing: start)
            return try ListenAddress(String(line.dropFirst(start.count)), field: name)
        }
        let server = try await LongServer(
            process: process, postgres: postgres, ingest: address("ingest"),
            admin: address("admin"))
        try await body(server)
        process.signal(SIGTERM)
        #expect(try await process.wait() == .code(0), "\(process.standardError)")
        try FileManager.default.removeItem(atPath: file)
        await postgres.stop(.immediate)
    }

    /// What the server has in memory, in MB.
    func residentMegabytes() throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        let kilobytes = try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first)
        return (try #require(Double(kilobytes)) / 1024 * 10).rounded() / 10
    }

    /// Posts one signed event; returns how long the answer took.
    @concurrent
    func post(on connection: inout RawConnection) async throws -> Duration {
        let body = #"{"ref":"refs/heads/main","n":\#(UInt32.random(in: 0 ... .max))}"#
        let clock = ContinuousClock.now
        try await connection.send(
            """
            POST /in/github HTTP/1.1\r\nHost: hooks.example.com\r\n\
            Content-Type: application/json\r\nX-GitHub-Event: push\r\n\
            X-Hub-Signature-256: \(Stack.signature(of: Array(body.utf8)))\r\n\
            Content-Length: \(body.utf8.count)\r\n\r\n\(body)
            """)
        let said = try await connection.answer()
        let answer = try #require(said)
        #expect(answer.status == 202, "\(answer.text)")
        return .now - clock
    }
}

/// Times of answers.
struct Latencies: Sendable, CustomStringConvertible {
    private var times: [Duration] = []

    mutating func add(_ other: Latencies) { times += other.times }
    mutating func add(_ time: Duration) { times.append(time) }

    var count: Int { times.count }

    /// In milliseconds, by nearest rank.
    func percentile(_ percent: Double) -> Double {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[max(0, min(sorted.count, rank) - 1)] / .milliseconds(1)
    }

    var description: String {
        [50.0, 99, 100].map { percent in
            let name = percent == 100 ? "max" : "p\(Int(percent))"
            return "\(name) \((percentile(percent) * 10).rounded() / 10) ms"
        }.joined(separator: ", ") + " of \(count)"
    }
}
