import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// Webhooks whose bodies are packed by gzip.
@Suite(.medium) struct PackedWebhookTests {
    private static let body = #"{"id":"7","text":"\#(String(repeating: "hello ", count: 50))"}"#
    private static let sources = """
        sent: { verify: github, secrets: [env:SECRET], kind: gz, decode: gzip }
          decoded: { verify: github, secrets: [env:SECRET], kind: gz, decode: gzip, signed: decoded }
          none: { verify: github, secrets: [env:SECRET], kind: gz }
        """

    @Test
    func `A packed body is handled and stored unpacked, signed either way, where that is said`()
        async throws
    {
        try await WebhookPath.with(
            sources: Self.sources,
            handlers: #"gz: { command: [/bin/sh, -c, 'cat > "$0"', "OUT"], key: body:/id }"#
        ) { path in
            let packed = try await Packed(#"printf %s "$1" | gzip"#, Self.body)
            let plain = Array(Self.body.utf8)
            #expect(
                try await path.post("sent", packed: packed.path, signing: packed.bytes)
                    .hasPrefix("202 "))
            try await path.untilSuccess(of: 1)
            #expect(try path.handled() == Self.body)
            #expect(
                try await path.post("decoded", packed: packed.path, signing: plain)
                    .hasPrefix("202 "))
            let twice = try await Packed(#"(printf '{"id":' | gzip; printf '"7"}' | gzip)"#, "")
            #expect(
                try await path.post("sent", packed: twice.path, signing: twice.bytes)
                    .hasPrefix("202 "))
            try await path.untilSuccess(of: 3)
            #expect(
                try await path.database.execute(
                    "SELECT key, octet_length(body) FROM tasq.job j "
                        + "JOIN tasq.payload p ON p.id = j.payload_id ORDER BY j.id")
                    == "7|\(plain.count)\n7|\(plain.count)\n7|10")
            let refused = [
                try await path.post("none", packed: packed.path, signing: packed.bytes),
                try await path.post("sent", packed: packed.path, signing: plain),
                try await path.post("decoded", packed: packed.path, signing: packed.bytes),
            ].map { $0.prefix(3) }
            #expect(refused == ["415", "401", "401"])
        }
    }

    @Test func `What is not gzip to its end is refused, and what is too long is not unpacked`()
        async throws
    {
        try await WebhookPath.with(sources: Self.sources, handlers: "x: { noop: {} }") { path in
            let cases: [(String, [Substring])] = [
                (#"printf %s "$1" | gzip | head -c 40"#, ["400", "401"]),
                (#"(printf %s "$1" | gzip; printf x)"#, ["400", "401"]),
                (#"printf %s "$1""#, ["400", "401"]), ("true", ["400", "401"]),
                ("head -c 2000000 /dev/zero | gzip", ["413", "413"]),
                ("head -c 200000 /dev/zero | gzip", ["413", "413"]),
                ("head -c 60000 /dev/zero | gzip", ["202", "401"]),
            ]
            for (script, expected) in cases {
                let packed = try await Packed(script, Self.body)
                let answers = [
                    try await path.post("sent", packed: packed.path, signing: packed.bytes),
                    try await path.post("decoded", packed: packed.path, signing: packed.bytes),
                ].map { $0.prefix(3) }
                #expect(answers == expected, "\(script)")
            }
            #expect(try await path.database.execute("SELECT count(*) FROM tasq.payload") == "1")
        }
    }
}

/// What a shell command wrote.
private struct Packed {
    private let file: TemporaryFile
    let bytes: [UInt8]

    var path: String { file.path }

    init(_ script: String, _ argument: String) async throws {
        file = try TemporaryFile("", name: "packed")
        let shell = try await ChildProcess.start(
            "/bin/sh", ["-c", "\(script) > \"$0\"", file.path, argument])
        _ = try await shell.wait()
        bytes = try Array(Data(contentsOf: URL(fileURLWithPath: file.path)))
    }
}
