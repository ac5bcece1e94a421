import Foundation
import TasqTesting
import TasqWebhooks
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server and a worker that run.
struct WebhookPath: Sendable {
    private static let secret = "It's a Secret to Everybody"

    let ingest: String
    let admin: String
    let database: TestDatabase
    let environment: [String: String]
    let configuration: TemporaryFile
    let out: TemporaryFile
    /// The processes' numbers.
    let server: Int32
    let worker: Int32

    /// Posts a body as GitHub would, unless another proof is given; the status, a blank, the answer.
    func post(
        _ source: String, _ body: String, _ headers: [String], isForm: Bool = false,
        proof: String? = nil
    ) async throws -> String {
        let type = isForm ? "application/x-www-form-urlencoded" : "application/json"
        let proof =
            proof ?? "X-Hub-Signature-256: sha256=\(Self.mac(body, .hex))"
        return try await curl(
            ["Content-Type: \(type)", proof] + headers,
            ["--data-binary", "@-", "\(ingest)/in/\(source)"], input: body)
    }

    /// Posts a file as packed by gzip, with the signature of some bytes.
    func post(_ source: String, packed file: String, signing bytes: [UInt8]) async throws -> String
    {
        let proof = "X-Hub-Signature-256: sha256=\(Self.mac(bytes, .hex))"
        return try await curl(
            ["Content-Type: application/json", "Content-Encoding: gzip", proof],
            ["--data-binary", "@\(file)", "\(ingest)/in/\(source)"])
    }

    /// Posts a file that is not read as a whole, as GitHub would.
    func post(
        _ source: String, file: LargeFile, _ headers: [String] = [],
        type: String = "application/json", proof: String? = nil
    ) async throws -> String {
        let proof = try proof ?? Self.mac(file.bytes, .hex)
        return try await curl(
            ["Content-Type: \(type)", "X-Hub-Signature-256: sha256=\(proof)"] + headers,
            ["-X", "POST", "-T", file.path, "\(ingest)/in/\(source)"])
    }

    /// Claims a job of a queue as a remote worker of its own.
    func claim(from queue: String) async throws -> String {
        let wish = #"{"worker_id":"\#(UUID())","queues":["\#(queue)"],"wait":"30s","lease":"10m"}"#
        return try await curl([], ["-d", wish, "\(admin)/v1/claims"])
    }

    /// Downloads from the admin listener; says the status and the type, and whether it was that.
    func download(_ path: String, sha256: String) async throws -> String {
        let file = try TemporaryFile("", name: "download")
        let curl = try await ChildProcess.start(
            "/usr/bin/env",
            [
                "curl", "-s", "-o", file.path, "-w", "%{http_code} %{content_type}", admin + path,
            ])
        #expect(try await curl.wait() == .code(0))
        let sum = try await ChildProcess.start("/usr/bin/env", ["sha256sum", file.path])
        _ = try await sum.wait()
        #expect(sum.standardOutput.hasPrefix(sha256), "\(path)")
        return curl.standardOutput
    }

    /// Sends a sample with a header, as `tasq webhook send` signs it.
    func send(_ source: String, _ header: String) async throws -> ChildProcess.Exit {
        try await TasqProgram.run(
            "webhook", "send", source, "--header", header, "--body", "-", "--to",
            "\(ingest)/in/\(source)", "--config", configuration.path, environment: environment,
            input: "{}"
        ).exit
    }

    /// Asks the admin listener.
    func ask(_ method: String, _ path: String) async throws -> String {
        try await curl([], ["-X", method, admin + path])
    }

    private func curl(
        _ headers: [String], _ words: [String], input: String = ""
    ) async throws -> String {
        let curl = try await ChildProcess.start(
            "/usr/bin/env",
            ["curl", "-s", "-w", "\n%{http_code}"] + headers.flatMap { ["-H", $0] } + words,
            input: input)
        _ = try await curl.wait()
        let lines = curl.standardOutput.split(separator: "\n", omittingEmptySubsequences: false)
        return "\(lines.last ?? "") " + lines.dropLast().joined(separator: "\n")
    }

    /// Waits until so many jobs have ended well.
    func untilSuccess(of count: Int) async throws {
        try await eventually("\(count) jobs are a success") {
            try await database.execute(
                "SELECT count(*) FROM tasq.job WHERE status = 'success'") == "\(count)"
        }
    }

    /// What a command wrote.
    func handled() throws -> String { try String(contentsOfFile: out.path, encoding: .utf8) }

    /// Runs a server and a worker of one configuration; `OUT` in it is where a command writes.
    static func with(
        sources: String, handlers: String, environment more: [String: String] = [:],
        _ body: (WebhookPath) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let out = try TemporaryFile("", name: "out")
            let file = try TemporaryFile(
                """
                sources:
                  \(sources)
                handlers:
                  \(handlers.replacing("OUT", with: out.path))
                """)
            let environment = [
                "DATABASE_URL": database.url, "SECRET": secret,
                "TASQ_HTTP_INGEST": "127.0.0.1:0", "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ].merging(more) { $1 }
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path], environment: environment)
            let worker = try await TasqProgram.start(
                ["work", "--config", file.path], environment: environment)
            _ = try await worker.waitForLine(containing: "worker registered")
            try await body(
                WebhookPath(
                    ingest: String(
                        try await server.waitForLine(containing: "ingest ").dropFirst(7)),
                    admin: String(try await server.waitForLine(containing: "admin ").dropFirst(6)),
                    database: database, environment: environment,
                    configuration: file, out: out,
                    server: server.pid, worker: worker.pid))
            for child in [worker, server] {
                child.signal(SIGTERM)
                #expect(try await child.wait() == .code(0))
            }
        }
    }

    static func mac(_ body: String, _ encoding: SignatureScheme.Encoding) -> String {
        mac(Array(body.utf8), encoding)
    }

    static func mac(_ body: [UInt8], _ encoding: SignatureScheme.Encoding) -> String {
        encoding.encode(
            SignatureScheme.Algorithm.sha256.authenticationCode(
                of: body, key: Array(secret.utf8)))
    }

    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(UnicodeScalar(byte))
            case 0x20: "+"
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }

    static func member(_ name: String, of json: String) -> String? {
        guard let start = json.firstRange(of: "\"\(name)\":\"") else { return nil }
        return String(json[start.upperBound...].prefix { $0 != "\"" })
    }
}
