import Foundation
import NIOHTTP1
import Tasq
import TasqHTTP
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

/// The official libraries of Standard Webhooks, Svix and Stripe: each signs what tasq takes and
/// verifies what tasq sends. `compose/test` installs them from PyPI.
@Suite(
    .enabled(
        if: ClientLibraries.folder != nil,
        "without standardwebhooks, svix and stripe from PyPI, in the folder TASQ_TEST_CLIENTS"),
    .medium)
struct ClientLibraryTests {
    private static let new = "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXc="
    private static let old = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQ="
    private static let strange = "whsec_c3RyYW5nZS1zdHJhbmdlLXN0cmFuZ2U="
    private static let body = #"{"id":"evt_1","object":"event","type":"invoice.paid","n":1}"#
    private static let libraries = ["standardwebhooks", "svix", "stripe"]

    /// A request as a library signed it, and what became of it on the way.
    private struct Sample {
        let name: String
        let library: String
        /// With which the library is to verify it.
        var secret = ClientLibraryTests.new
        var headers: [String: String]
        var body = ClientLibraryTests.body
        let isGenuine: Bool

        var ask: ClientLibraries.Ask {
            ClientLibraries.Ask(
                do: "verify", library: library, secret: secret, headers: headers, body: body)
        }
    }

    @Test func `tasq takes what each library signs, and refuses what the library refuses`()
        async throws
    {
        let samples = try await samples()
        let said = try await ClientLibraries.run(samples.map(\.ask))
        try await RunningSystem.with { system in
            system.environment.merge(["NEW": Self.new, "OLD": Self.old]) { $1 }
            let sources = zip(Self.libraries, ["standard", "svix", "stripe"]).map {
                "\($0): { verify: \($1), secrets: [env:NEW, env:OLD] }"
            }
            try await system.startServer(
                "sources:\n" + sources.map { "  \($0)\n" }.joined())
            for (sample, answer) in zip(samples, said) {
                let status = try await post(sample, to: system.source(sample.library))
                #expect(status == (sample.isGenuine ? 202 : 401), "\(sample.name)")
                #expect((answer.raised == nil) == sample.isGenuine, "\(sample.name): \(answer)")
            }
        }
    }

    /// What the libraries sign, each as it is and changed on the way.
    private func samples() async throws -> [Sample] {
        let now = Int(Timestamp.now.microseconds / 1_000_000)
        func sign(_ library: String, _ id: String, _ time: Int, _ secrets: String...)
            -> ClientLibraries.Ask
        {
            ClientLibraries.Ask(
                do: "sign", library: library, secrets: secrets, id: id, time: time,
                body: library == "stripe" ? Self.body.replacing("evt_1", with: id) : Self.body)
        }
        let asks = Self.libraries.flatMap { library in
            [
                sign(library, "a", now, Self.new), sign(library, "b", now, Self.old),
                sign(library, "c", now, Self.new, Self.old),
                sign(library, "d", now, Self.strange, Self.new),
                sign(library, "e", now, Self.strange), sign(library, "f", now - 400, Self.new),
                sign(library, "g", now, Self.new), sign(library, "h", now, Self.new),
            ]
        }
        let signed = try await ClientLibraries.run(asks)
        return try zip(asks, signed).map { ask, answer -> Sample in
            let (library, id, body) = (ask.library, ask.id ?? "", ask.body)
            let headers = try #require(answer.returned)
            func sample(
                _ name: String, _ isGenuine: Bool, secret: String = Self.new,
                headers changed: [String: String]? = nil, body changedBody: String? = nil
            ) -> Sample {
                Sample(
                    name: "\(library), \(name)", library: library, secret: secret,
                    headers: changed ?? headers, body: changedBody ?? body, isGenuine: isGenuine)
            }
            switch id {
            case "a": return sample("the new secret", true)
            case "b": return sample("the old secret", true, secret: Self.old)
            case "c": return sample("both secrets, to one who has the old", true, secret: Self.old)
            case "d": return sample("a stranger's and ours", true)
            case "e": return sample("a stranger's secret", false)
            case "f": return sample("400 s old", false)
            case "g":
                return sample("another body", false, body: body.replacing("1}", with: "2}"))
            default:
                // Stripe's id stands in the body.
                guard library != "stripe" else {
                    let changed = body.replacing("\"h\"", with: "\"x\"")
                    return sample("another id", false, body: changed)
                }
                let changed = headers.mapValues { $0 == headers.id ? "x" : $0 }
                return sample("another id", false, headers: changed)
            }
        }
    }

    @Test func `Each library verifies what tasq sends, with either of two secrets, and no other`()
        async throws
    {
        let deliveries = try await deliveries()
        let (own, svix, stripe) = (deliveries[0], deliveries[1], deliveries[2])
        let items = try #require(own["webhook-signature"]).split(
            separator: " ", omittingEmptySubsequences: false)
        #expect(items.count == 2 && items.allSatisfy { $0.hasPrefix("v1,") }, "\(items)")
        let renamed = Dictionary(
            uniqueKeysWithValues: own.map { ($0.replacing("webhook-", with: "svix-"), $1) })
        func asks(_ library: String, _ headers: [String: String]) -> [ClientLibraries.Ask] {
            func ask(
                _ secret: String, _ headers: [String: String], _ body: String = Self.body
            ) -> ClientLibraries.Ask {
                .init(
                    do: "verify", library: library, secret: secret, headers: headers, body: body)
            }
            return [
                ask(Self.new, headers), ask(Self.old, headers), ask(Self.strange, headers),
                ask(Self.new, headers, Self.body.replacing("1}", with: "2}")),
                ask(Self.new, headers.mapValues { $0 == headers.id ? "x" : $0 }),
                ask(Self.new, headers.mapValues { $0 == headers.time ? "1700000000" : $0 }),
            ]
        }
        for (library, headers) in [
            ("standardwebhooks", own), ("svix", own), ("svix", renamed),
        ] {
            let said = try await ClientLibraries.run(asks(library, headers))
            #expect(said.map(\.raised) == [nil, nil] + Self.refusals, "\(library)")
            // The one returns the parsed body, the other nothing.
            let event = library == "svix" ? nil : "evt_1"
            #expect(said[0].returned?["id"] == event, "\(said[0])")
        }
        // What `tasq webhook send` signs with a source's first secret.
        let said = try await ClientLibraries.run(
            [
                .init(
                    do: "verify", library: "svix", secret: Self.new, headers: svix, body: Self.body),
                .init(
                    do: "verify", library: "stripe", secret: Self.new, headers: stripe,
                    body: Self.body),
                .init(
                    do: "verify", library: "stripe", secret: Self.old, headers: stripe,
                    body: Self.body),
                .init(
                    do: "verify", library: "stripe", secret: Self.new, headers: stripe,
                    body: Self.body + " "),
            ])
        let refusal = "SignatureVerificationError"
        #expect(said.map(\.raised) == [nil, nil, refusal, refusal])
        #expect(said[1].returned == ["id": "evt_1", "type": "invoice.paid"])
    }

    private static let refusals = [String?](repeating: "WebhookVerificationError", count: 4)

    /// What the table of the article Compatibility says of the libraries.
    @Test func `The libraries differ as the documentation says`() async throws {
        let now = Int(Timestamp.now.microseconds / 1_000_000)
        let signed = try await ClientLibraries.run([
            .init(
                do: "sign", library: "standardwebhooks", secrets: [Self.new], id: "a", time: now,
                body: Self.body),
            .init(
                do: "sign", library: "stripe", secrets: [Self.new], id: "a", time: now + 3600,
                body: Self.body),
        ])
        let standard = try #require(signed[0].returned)
        let ahead = try #require(signed[1].returned)
        let signature = try #require(standard["webhook-signature"])
        func header(_ value: String) -> [String: String] {
            standard.merging(["webhook-signature": value]) { $1 }
        }
        let cases: [(String, [String: String], raised: String?, Int)] = [
            // Two spaces, and an item that is none, before the right one and after it.
            ("standardwebhooks", header("v1,AAAA  \(signature)"), "ValueError", 202),
            ("standardwebhooks", header("\(signature)  v1,AAAA"), nil, 202),
            ("standardwebhooks", header("x \(signature)"), "ValueError", 202),
            ("standardwebhooks", header("v1,A \(signature)"), "Error", 202),
            ("standardwebhooks", header("v1a,AAAA \(signature)"), nil, 202),
            // A time in the future.
            ("stripe", ahead, nil, 401),
        ]
        let said = try await ClientLibraries.run(
            cases.map {
                .init(
                    do: "verify", library: $0.0, secret: Self.new, headers: $0.1, body: Self.body)
            })
        try await RunningSystem.with { system in
            system.environment["NEW"] = Self.new
            try await system.startServer(
                """
                sources:
                  standardwebhooks: { verify: standard, secrets: [env:NEW] }
                  stripe: { verify: stripe, secrets: [env:NEW] }
                """)
            for (one, answer) in zip(cases, said) {
                #expect(answer.raised == one.raised, "\(one)")
                let sample = Sample(name: "", library: one.0, headers: one.1, isGenuine: true)
                let status = try await post(sample, to: system.source(one.0))
                // Known already is as good as taken.
                #expect((status == 200 ? 202 : status) == one.3, "\(one)")
            }
        }
    }

    private func post(_ sample: Sample, to url: String) async throws -> Int {
        var request = try HTTPRequest(url: url)
        request.method = .POST
        for (name, value) in sample.headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "content-type", value: "application/json")
        request.body = Array(sample.body.utf8)
        return try await request.answer().status
    }

    /// The headers of an `http` handler's delivery, and of samples as Svix and Stripe would send.
    private func deliveries() async throws -> [[String: String]] {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let (seen, delivery) = AsyncStream.makeStream(of: Receiver.Delivery.self)
        let receiver = Receiver(onListening: { port.yield($0) }) { one in
            delivery.yield(one)
            return 200
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run() }
            defer { group.cancelAll() }
            let listening = try #require(await ports.first { _ in true })
            let target = "http://127.0.0.1:\(listening)/"
            let configuration = """
                sources:
                  svix: { verify: svix, secrets: [env:NEW, env:OLD] }
                  stripe: { verify: stripe, secrets: [env:NEW, env:OLD] }
                handlers:
                  hook: { http: { url: "\(target)", allow: [127.0.0.1], sign: [env:NEW, env:OLD] } }
                """
            var found: [[String: String]] = []
            try await RunningSystem.with { system in
                system.environment.merge(["NEW": Self.new, "OLD": Self.old]) { $1 }
                try await system.startWorker(configuration)
                var next = seen.makeAsyncIterator()
                _ = try await system.enqueue("hook", "--payload", Self.body)
                let delivered = await next.next()
                found.append(try #require(delivered).proof)
                let file = try TemporaryFile(configuration)
                for source in ["svix", "stripe"] {
                    let sent = try await TasqProgram.run(
                        "webhook", "send", source, "--body", "-", "--to", target, "--config",
                        file.path, environment: system.environment, input: Self.body)
                    #expect(sent.exit == .code(0), "\(sent.errors)")
                    let sample = await next.next()
                    found.append(try #require(sample).proof)
                }
            }
            return found
        }
    }
}

/// The libraries, asked through Tests/Examples/clients.py.
enum ClientLibraries {
    /// Where they are installed.
    static let folder = ProcessInfo.processInfo.environment["TASQ_TEST_CLIENTS"]

    struct Ask: Encodable {
        var `do`: String
        var library: String
        var secret: String?
        var secrets: [String]?
        var id: String?
        var time: Int?
        var headers: [String: String]?
        var body: String
    }

    struct Answer: Decodable {
        /// The members that are texts.
        var returned: [String: String]?
        var raised: String?

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            raised = try fields.decodeIfPresent(String.self, forKey: .raised)
            returned = try fields.decodeIfPresent([String: Text].self, forKey: .returned)?
                .compactMapValues(\.text)
        }

        private enum Key: CodingKey { case returned, raised }

        private struct Text: Decodable {
            let text: String?

            init(from decoder: any Decoder) throws {
                text = try? decoder.singleValueContainer().decode(String.self)
            }
        }
    }

    static func run(_ asks: [Ask]) async throws -> [Answer] {
        let lines = try asks.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let python = try await ChildProcess.start(
            "/usr/bin/env", ["python3", packageRoot + "/Tests/Examples/clients.py"],
            environment: ["PYTHONPATH": folder ?? "", "PATH": path], directory: "/",
            input: lines.map { $0 + "\n" }.joined())
        #expect(try await python.wait() == .code(0), "\(python.standardError)")
        return try python.standardOutput.split(separator: "\n").map {
            try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
        }
    }
}

extension [String: String] {
    /// The value of the id's header, and of the timestamp's.
    fileprivate var id: String? { first { $0.key.hasSuffix("-id") }?.value }
    fileprivate var time: String? { first { $0.key.hasSuffix("-timestamp") }?.value }
}

extension Receiver.Delivery {
    /// The headers that prove it.
    fileprivate var proof: [String: String] {
        let names = ["webhook", "svix"].flatMap { prefix in
            ["id", "timestamp", "signature"].map { "\(prefix)-\($0)" }
        }
        return Dictionary(
            uniqueKeysWithValues: (names + ["stripe-signature"]).compactMap { name in
                header(name).map { (name, $0) }
            })
    }
}
