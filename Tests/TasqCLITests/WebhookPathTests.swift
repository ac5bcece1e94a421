import Foundation
import Tasq
import TasqHTTP
import TasqTesting
import TasqWebhooks
import TestSizes
import Testing

@testable import TasqCLI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Webhooks from the request to the handler, through `tasq serve` and `tasq work`.
@Suite(.medium) struct WebhookPathTests {
    private static let json = #"{"repository":{"full_name":"o/r"},"zen":"a+b & c=ü%"}"#

    @Test func `What GitHub sends as a form is stored as it came, and handled as its JSON`()
        async throws
    {
        try await WebhookPath.with(
            sources: "gh: { verify: github, secrets: [env:SECRET], kind: gh }",
            handlers: """
                gh: { command: [/bin/sh, -c, 'cat > "$0"', "OUT"], key: body:/repository/full_name }
                """
        ) { path in
            let form = "a=1&payload=\(WebhookPath.escaped(Self.json))&b"
            let sent = try await path.post("gh", form, ["X-GitHub-Event: push"], isForm: true)
            #expect(sent.hasPrefix("202 "), "\(sent)")
            try await path.untilSuccess(of: 1)
            #expect(try path.handled() == Self.json)
            #expect(try await path.database.execute("SELECT key FROM tasq.job") == "o/r")
            let stored = try await path.database.execute(
                "SELECT content_type, convert_from(body, 'UTF8') FROM tasq.payload")
            #expect(stored == "application/x-www-form-urlencoded|\(form)")
            let event = try #require(WebhookPath.member("id", of: sent))
            #expect(try await path.ask("GET", "/v1/events/\(event)/body").hasSuffix(form))
            let shown = try await path.ask("GET", "/v1/events/\(event)")
            #expect(shown.contains(#"["x-github-event","push"]"#) && !shown.contains("tasq-form"))
        }
    }

    @Test(arguments: ["b=1", "payload=%7B%7D&payload=%7B%7D", "payload=&b", "%zz&=&&"])
    func `A form that has no such JSON is handled as it came`(form: String) async throws {
        try await WebhookPath.with(
            sources: "gh: { verify: github, secrets: [env:SECRET], kind: gh }",
            handlers: #"gh: { command: [/bin/sh, -c, 'cat > "$0"', "OUT"] }"#
        ) { path in
            let sent = try await path.post("gh", form, [], isForm: true)
            #expect(sent.hasPrefix("202 "), "\(sent)")
            try await path.untilSuccess(of: 1)
            #expect(try path.handled() == form)
        }
    }

    @Test
    func `The headers that say what happened reach a target as they came, no credential does`()
        async throws
    {
        let (port, ports) = AsyncStream.makeStream(of: Int.self)
        let (seen, deliveries) = AsyncStream.makeStream(of: Receiver.Delivery.self)
        let receiver = Receiver(onListening: { ports.yield($0) }) { delivery in
            deliveries.yield(delivery)
            return 200
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run() }
            defer { group.cancelAll() }
            let target = try #require(await port.first { _ in true })
            try await WebhookPath.with(
                sources: """
                    gh: { verify: github, secrets: [env:SECRET], kind: gh, keep: [X-Tenant, "X-Order-*"] }
                    """,
                handlers: """
                    gh: { http: { url: "http://127.0.0.1:\(target)/", allow: [127.0.0.1], headers: { X-Tenant: ours } } }
                    """
            ) { path in
                let came = [
                    "X-GitHub-Event: push", "X-GitHub-Delivery: d-1", "X-Order-Id: 7", "X-Other: 1",
                    "X-Tenant: theirs", "Cookie: a=b", "Authorization: Bearer x",
                    "X-GitHub-Token: t", "Tasq-Job-Id: forged", "X-Order-Hop: 1",
                    "Connection: x-order-hop", "X-Order-Hmac: 1",
                ]
                let sent = try await path.post("gh", Self.json, came)
                #expect(sent.hasPrefix("202 "), "\(sent)")
                let delivery = try #require(await seen.first { _ in true })
                #expect(String(decoding: delivery.body, as: UTF8.self) == Self.json)
                #expect(delivery.header("content-type") == "application/json")
                #expect(delivery.header("x-github-event") == "push")
                #expect(delivery.header("x-github-delivery") == "d-1")
                #expect(delivery.header("x-order-id") == "7")
                #expect(delivery.header("x-tenant") == "ours")
                #expect(delivery.header("tasq-job-id") != "forged")
                for name in [
                    "cookie", "authorization", "x-github-token", "x-hub-signature-256", "x-other",
                    "x-order-hop", "x-order-hmac",
                ] {
                    #expect(delivery.header(name) == nil, "\(name)")
                }
            }
        }
    }

    @Test func `A command finds Shopify's headers in its environment, in the form they came in`()
        async throws
    {
        try await WebhookPath.with(
            sources: "shop: { verify: shopify, secrets: [env:SECRET], keep: [X-Many, X-Odd_Name] }",
            handlers: #"shop: { command: [/bin/sh, -c, 'env | grep ^TASQ_HEADER_ > "$0"', "OUT"] }"#
        ) { path in
            let sent = try await path.post(
                "shop", "{}",
                [
                    "Shopify-Topic: orders/create", "X-Shopify-Shop-Domain: a.example",
                    "X-Shopify-Webhook-Id: 1", "X-Many: 1", "X-Many: 2", "X-Odd_Name: 1",
                    "User-Agent: Shopify", "X-Shopify-Access-Token: t",
                ], proof: "Shopify-Hmac-SHA256: \(WebhookPath.mac("{}", .base64))")
            #expect(sent.hasPrefix("200 "), "\(sent)")
            try await path.untilSuccess(of: 1)
            #expect(
                try path.handled().split(separator: "\n").sorted() == [
                    "TASQ_HEADER_SHOPIFY_TOPIC=orders/create", "TASQ_HEADER_X_MANY=1, 2",
                    "TASQ_HEADER_X_SHOPIFY_SHOP_DOMAIN=a.example",
                    "TASQ_HEADER_X_SHOPIFY_WEBHOOK_ID=1",
                ])
        }
    }

    @Test func `Shopify's headers mean the same in either form, and two that differ are refused`()
        async throws
    {
        try await WebhookPath.with(
            sources: "shop: { verify: shopify, secrets: [env:SECRET] }", handlers: "x: { noop: {} }"
        ) { path in
            let mac = WebhookPath.mac("{}", .base64)
            var number = 0
            for proof in ["X-Shopify-Hmac-SHA256: \(mac)", "shopify-hmac-sha256: \(mac)"] {
                number += 1
                for (name, isNew) in [
                    ("Shopify-Webhook-Id", true), ("X-Shopify-Webhook-Id", false),
                ] {
                    let sent = try await path.post(
                        "shop", "{}", ["\(name): \(number)"], proof: proof)
                    #expect(
                        sent.hasPrefix("200 ") && sent.contains("duplicate") != isNew, "\(sent)")
                }
            }
            let sample = try await path.send("shop", "Shopify-Webhook-Id: 9")
            #expect(sample == .code(0))
            let both = "X-Shopify-Hmac-SHA256: \(mac)"
            let answers = [
                try await path.post("shop", "{}", ["Shopify-Hmac-SHA256: \(mac)"], proof: both),
                try await path.post("shop", "{}", ["Shopify-Hmac-SHA256: AAAA"], proof: both),
                try await path.post("shop", "{}", [], proof: "Shopify-Hmac: \(mac)"),
                try await path.post(
                    "shop", "{}", ["Shopify-Webhook-Id: a", "X-Shopify-Webhook-Id: b"], proof: both),
            ].map { $0.prefix(3) }
            #expect(answers == ["200", "401", "401", "400"])
        }
    }

    @Test
    func `The answer to a repetition says how the event is run again, and a source may do it`()
        async throws
    {
        try await WebhookPath.with(
            sources: """
                gh: { verify: github, secrets: [env:SECRET], kind: gh }
                  again: { verify: github, secrets: [env:SECRET], kind: gh, redeliver: run }
                """,
            handlers: #"gh: { command: [/bin/sh, -c, 'echo >> "$0"', "OUT"] }"#
        ) { path in
            let count = "SELECT count(*) FROM tasq.job"
            let first = try await path.post("gh", "{}", ["X-GitHub-Delivery: 1"])
            let event = try #require(WebhookPath.member("id", of: first))
            try await path.untilSuccess(of: 1)
            let second = try await path.post("gh", "{}", ["X-GitHub-Delivery: 1"])
            let replay = "/v1/events/\(event)/replay"
            #expect(second == #"200 {"id":"\#(event)","duplicate":true,"replay":"\#(replay)"}"#)
            #expect(try await path.ask("POST", replay).hasPrefix("202 "))
            try await path.untilSuccess(of: 2)

            _ = try await path.post("again", "{}", ["X-GitHub-Delivery: 1"])
            try await path.untilSuccess(of: 3)
            _ = try await TasqProgram.run(
                "queues", "pause", "default", environment: path.environment)
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await path.post("again", "{}", ["X-GitHub-Delivery: 1"]) }
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.hasPrefix("200 ") && $0.contains("duplicate") })
            #expect(answers.contains { $0.contains(#""jobs":[""#) }, "\(answers)")
            #expect(try await path.database.execute(count) == "4")
            _ = try await TasqProgram.run(
                "queues", "resume", "default", environment: path.environment)
            try await path.untilSuccess(of: 4)
        }
    }

    @Test func `A repetition whose event is deleted before it is run again is a new event`()
        async throws
    {
        try await WebhookPath.with(
            sources: "again: { verify: github, secrets: [env:SECRET], kind: gh, redeliver: run }",
            handlers: "gh: { noop: {} }"
        ) { path in
            let first = try await path.post("again", "{}", ["X-GitHub-Delivery: 1"])
            try await path.untilSuccess(of: 1)
            _ = try await path.database.execute(
                """
                CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    DELETE FROM tasq.job WHERE payload_id = old.id;
                    DELETE FROM tasq.payload WHERE id = old.id;
                    RETURN NULL;
                END $$;
                CREATE TRIGGER gone BEFORE UPDATE ON tasq.payload
                    FOR EACH ROW EXECUTE FUNCTION gone()
                """)
            let second = try await path.post("again", "{}", ["X-GitHub-Delivery: 1"])
            #expect(second.hasPrefix("202 "), "\(second)")
            let event = try #require(WebhookPath.member("id", of: second))
            #expect(event != WebhookPath.member("id", of: first))
            #expect(try await path.database.execute("SELECT id FROM tasq.payload") == event)
            try await path.untilSuccess(of: 1)
        }
    }

    @Test(arguments: [
        "Authorization", "X-My-Token", "Content-Length", "Tasq-Job-Id", "traceparent", "a b",
    ])
    func `A header that never goes along cannot be configured to`(name: String) async throws {
        let file = try TemporaryFile(
            "sources:\n  s: { verify: github, secrets: [x], keep: [\"\(name)\"] }")
        let run = try await TasqProgram.run("config", "check", "--config", file.path)
        #expect(run.exit == .code(78))
        #expect(run.errors.contains("sources.s.keep must"), "\(run.errors)")
    }
}
