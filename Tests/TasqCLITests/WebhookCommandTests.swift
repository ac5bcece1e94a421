import Foundation
import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqCLI

/// `tasq webhook verify` and `tasq webhook send`.
@Suite(.medium) struct WebhookCommandTests {
    private static let sources = """
        sources:
          github: { verify: github, secrets: [env:GITHUB], kind: push }
          standard: { verify: standard, secrets: [env:STANDARD] }
          stripe: { verify: stripe, secrets: [env:STRIPE] }
          shopify: { verify: shopify, secrets: [env:SHOPIFY] }
          svix: { verify: svix, secrets: [env:STANDARD] }
          erp:
            verify: { hmac: sha512, header: X-Sign, encoding: base64, sign: "{timestamp}.{id}.{body}", timestamp: header:X-Time, prefix: "v=" }
            secrets: [env:ERP]
            id: header:X-Id
          routed:
            verify: { hmac: sha256, header: X-Sign, sign: "{method} {path} {body}" }
            secrets: [env:ERP]
          unset: { verify: github, secrets: [env:NOWHERE] }
        """
    private static let secrets = [
        "GITHUB": "It's a Secret to Everybody",
        "STANDARD": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "STRIPE": "whsec_test",
        "SHOPIFY": "shpss", "ERP": "erp-secret",
    ]

    /// Vectors the providers publish.
    @Test func `Published samples are accepted, and refused with the reason when altered`()
        async throws
    {
        let file = try TemporaryFile(Self.sources)
        let hello = try TemporaryFile("Hello, World!", name: "body")
        let test = try TemporaryFile("{\"test\": 2432232314}", name: "body")
        let github = [
            "verify", "github", "--body", hello.path, "--header",
            "X-Hub-Signature-256: sha256="
                + "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "--header", "X-GitHub-Delivery: d-1", "--header", "X-GitHub-Event: push",
        ]
        var run = try await webhook(github, file)
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(
            run.output == "accepted: event id d-1, type push\n"
                + "job: kind push, queue default, priority 1, 20 attempts")
        let standard = [
            "verify", "standard", "--body", test.path,
            "--header", "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
            "--header", "webhook-timestamp: 1614265330", "--header",
            "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ]
        run = try await webhook(standard + ["--now", "1614265330", "--json"], file)
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(
            run.output
                == "{\"accepted\":true,\"source\":\"standard\",\"kind\":\"standard\","
                + "\"event_id\":\"msg_p5jXN8AQM9LWM0D4loKWxJek\",\"type\":null,"
                + "\"jobs\":[{\"route\":null,\"kind\":\"standard\",\"queue\":\"default\","
                + "\"key\":null,\"priority\":1,\"max_attempts\":20,\"delay\":\"0s\"}],"
                + "\"warnings\":[]}")
        let refusals: [([String], String)] = [
            (standard, "the timestamp is "),
            (standard + ["--now", "1614264000"], "the timestamp lies 1330 s ahead"),
            (Array(github.prefix(4)), "header x-hub-signature-256 is missing"),
            (github + Array(github[4...5]), "is there more than once"),
            (
                ["verify", "github", "--body", test.path] + Array(github.dropFirst(4)),
                "was not made with one of the source's secrets"
            ),
        ]
        for (words, reason) in refusals {
            let run = try await webhook(words, file)
            #expect(run.exit == .code(1), "\(words)")
            #expect(run.errors.hasPrefix("tasq: refused: ") && run.errors.contains(reason))
            #expect(run.errorLines.count == 1)
        }
    }

    @Test func `A scheme that signs the method and the path is judged by --method and --url`()
        async throws
    {
        let file = try TemporaryFile(Self.sources)
        let body = try TemporaryFile("{\"test\": 2432232314}", name: "body")
        // (printf 'POST /in/routed?tenant=7 '; cat body) | openssl dgst -sha256 -hmac erp-secret
        let words = [
            "verify", "routed", "--body", body.path, "--header",
            "X-Sign: 0cc85eacaa019cf7214e591b547578c1893624cdcfea2aff24ffca7b761a02b2",
        ]
        let url = "https://hooks.example.com/in/routed"
        for (more, code) in [
            (["--url", "\(url)?tenant=7"], 0), (["--url", "\(url)?tenant=8"], 1),
            (["--url", "\(url)?tenant=7", "--method", "PUT"], 1), ([], 1),
        ] as [([String], Int32)] {
            let run = try await webhook(words + more, file)
            #expect(run.exit == .code(code), "\(more): \(run.output)\(run.errors)")
            #expect(code == 0 || run.errors.contains("was not made with one of"), "\(run.errors)")
        }
    }

    @Test(arguments: [
        ["verify", "nothing", "--body", "-"], ["verify", "githb", "--body", "-"],
        ["verify", "unset", "--body", "-"],
    ])
    func `A source that is not there, or without its secret, exits 78`(
        words: [String]
    ) async throws {
        let run = try await webhook(words, try TemporaryFile(Self.sources))
        #expect(run.exit == .code(78))
        #expect(run.errorLines.count == 1)
        if words[1] == "githb" { #expect(run.errors.contains("did you mean github?")) }
    }

    private static let mistakes: [([String], Int32)] = [
        (["verify", "github"], 64), (["verify", "github", "--body", "/nowhere"], 65),
        (["verify", "github", "--body", "-", "--header", "nocolon hunter2"], 64),
        (["verify", "github", "--body", "-", "--header", "a b: hunter2"], 64),
        (["verify", "github", "--body", "-", "--header", "A: hunter2\u{1}"], 64),
        (["verify", "github", "--body", "-", "--now", "-1"], 64),
        (["verify", "github", "--body", "-", "--now", "9223372036854775808"], 64),
        (["verify", "github", "--body", "-", "--url", "nowhere"], 64),
        (["send", "github", "--body", "-", "--to", "ftp://h/"], 64),
        (["send", "github", "--body", "-", "--to", "http://u:hunter2@h/"], 64),
        (["send", "github", "--body", "-", "--to", "http://127.0.0.1:9/"], 69),
    ]

    @Test(arguments: mistakes)
    func `What cannot be used is refused by its flag`(
        words: [String], code: Int32
    ) async throws {
        let run = try await webhook(words, try TemporaryFile(Self.sources), input: "{}")
        #expect(run.exit == .code(code), "\(run.errors)")
        #expect(run.errorLines.count == 1)
        #expect(!run.errors.contains("hunter2"))
    }

    @Test func `A sample of every scheme is taken by the server, its answer printed`()
        async throws
    {
        try await withDatabase { database in
            let file = try TemporaryFile(
                Self.sources.replacing(
                    "  unset: { verify: github, secrets: [env:NOWHERE] }", with: ""))
            let environment = Self.secrets.merging([
                "DATABASE_URL": database.url, "TASQ_HTTP_INGEST": "127.0.0.1:0",
                "TASQ_HTTP_ADMIN": "127.0.0.1:0",
            ]) { $1 }
            let server = try await TasqProgram.start(
                ["serve", "--config", file.path], environment: environment)
            let ingest = try await server.waitForLine(containing: "ingest http://")
                .dropFirst("ingest http://".count)
            let body = try TemporaryFile("{\"id\":\"evt_1\",\"n\":1}", name: "body")
            for (source, status) in [
                ("github", "202"), ("standard", "202"), ("stripe", "202"), ("shopify", "200"),
                ("svix", "202"), ("erp", "202"), ("routed", "202"),
            ] {
                // Without --to it goes where the configuration says the listener is.
                let run = try await TasqProgram.run(
                    "webhook", "send", source, "--body", body.path, "--config", file.path,
                    environment: environment.merging(["TASQ_HTTP_INGEST": String(ingest)]) { $1 })
                #expect(run.exit == .code(0), "\(source): \(run.errors)")
                #expect(run.output.hasPrefix("\(status) {\"id\":"), "\(source): \(run.output)")
            }
            let target = ["--to", "http://\(ingest)/in/erp", "--body", body.path]
            let once = ["send", "erp", "--header", "X-Id: 7"] + target
            var run = try await webhook(once, file)
            #expect(run.exit == .code(0))
            run = try await webhook(once + ["--json"], file)
            #expect(run.exit == .code(0))
            #expect(run.output.contains("\"status\":200"))
            #expect(run.output.contains("duplicate"))
            run = try await webhook(["send", "erp", "--header", "X-Sign: v=AAAA"] + target, file)
            #expect(run.exit == .code(1))
            #expect(run.output.hasPrefix("401 "))
            #expect(run.errorLines.count == 1)
            // The query is signed as it is sent.
            let routed = "http://\(ingest)/in/routed?tenant=7"
            run = try await webhook(["send", "routed", "--to", routed, "--body", body.path], file)
            #expect(run.exit == .code(0), "\(run.output)\(run.errors)")
            let count = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(count == "9")
            server.signal(15)
            _ = try await server.wait()
        }
    }

    private func webhook(
        _ words: [String], _ file: TemporaryFile, input: String = ""
    ) async throws -> TasqProgram.Run {
        let child = try await TasqProgram.start(
            ["webhook"] + words + ["--config", file.path], environment: Self.secrets, input: input)
        let exit = try await child.wait()
        return TasqProgram.Run(
            exit: exit, output: child.standardOutput, errors: child.standardError)
    }
}
