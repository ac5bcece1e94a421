import NIOHTTP1
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// What the log tells of webhooks that are refused.
@Suite(.medium) struct RefusalLogTests {
    private let configuration =
        "sources: { gh: { verify: github, secrets: [env:SECRET], kind: gh } }"
    private let forged = "sha256=" + String(repeating: "5a", count: 32)

    @Test func `A refused webhook is one line for the operator, and holds nothing that was sent`()
        async throws
    {
        try await RunningSystem.with { system in
            system.environment["SECRET"] = "hunter2"
            let server = try await system.startServer(configuration)
            let unsigned = try await post("body-of-mine", to: system.source("gh"), signed: nil)
            let first = try await server.waitForLine(containing: "a webhook was refused")
            #expect(first.contains(" warning a webhook was refused bytes=12 "), "\(first)")
            #expect(first.contains(" code=verification-failed reason=\"header "), "\(first)")
            let request = try #require(WebhookPath.member("request", of: unsigned))
            #expect(first.hasSuffix(" is missing\" request=\(request) source=gh"), "\(first)")

            _ = try await post("body-of-mine", to: system.source("gh"), signed: forged)
            _ = try await server.waitForLine(containing: "was not made with one of the source's")
            _ = try await post("body-of-mine", to: system.source("nope-of-mine"), signed: forged)
            let unknown = try await server.waitForLine(containing: "code=unknown-source")
            #expect(unknown.contains(" info a webhook was refused "), "\(unknown)")
            for text in ["hunter2", "of-mine", "5a5a"] {
                #expect(!server.standardError.contains(text), "\(text)")
            }
        }
    }

    @Test func `Many refused webhooks are told by a few lines, another source's by its own`()
        async throws
    {
        try await RunningSystem.with { system in
            system.environment["SECRET"] = "hunter2"
            let server = try await system.startServer(configuration)
            for _ in 0..<30 {
                _ = try await post("{}", to: system.source("gh"), signed: forged)
            }
            // Behind all of them.
            _ = try await post("{}", to: system.source("nope"), signed: forged)
            _ = try await server.waitForLine(containing: "code=unknown-source")
            let told = server.standardError.split(separator: "\n").count {
                $0.hasSuffix(" source=gh")
            }
            #expect((10..<30).contains(told), "\(told)")
        }
    }

    private func post(_ body: String, to url: String, signed: String?) async throws -> String {
        var request = try HTTPRequest(url: url)
        request.method = .POST
        request.body = Array(body.utf8)
        if let signed { request.headers.add(name: "x-hub-signature-256", value: signed) }
        return try await request.answer().text
    }
}
