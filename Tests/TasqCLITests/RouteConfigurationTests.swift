import Foundation
import Tasq
import TasqWebhooks
import Testing

@testable import TasqCLI

/// `routes`, `match` and kinds by type of a source, as a file says them.
struct RouteConfigurationTests {
    @Test func `Routes are read with all that they say`() throws {
        let source = try #require(
            try load(
                """
                sources:
                  a:
                    verify: github
                    secrets: [env:S]
                    kind: hub.{type}
                    match: all
                    routes:
                      - type: push
                        where: { body:/ref: refs/heads/main, "header:X-Tenant": [a, "b*"] }
                        kind: ci
                        queue: ci
                        key: body:/repository/full_name
                        priority: 0
                        max_attempts: 3
                        delay: 90s
                      - { type: ["pull_*", ping], priority: 2 }
                """
            ).sources.first)
        #expect(source.kind.description == "hub.{type}" && source.match == .all)
        let conditions = [
            WebhookRoute.Condition(
                try Location("body:/ref", field: "where"), ["refs/heads/main"]),
            WebhookRoute.Condition(
                try Location("header:X-Tenant", field: "where"), ["a", "b*"]),
        ]
        let routes = [
            try WebhookRoute(
                types: ["push"], where: conditions, kind: KindTemplate("ci"), queue: Name("ci"),
                priority: Priority(0), maxAttempts: 3,
                key: Location("body:/repository/full_name", field: "key"), delay: .seconds(90)),
            try WebhookRoute(types: ["pull_*", "ping"], priority: Priority(2)),
        ]
        #expect(source.routes == routes)
    }

    @Test func `A source without routes is as it was, and a single route needs no list`() throws {
        let plain = try load("sources:\n  a: { verify: github, secrets: [env:S] }").sources.first
        #expect(plain?.kind.description == "a" && plain?.routes == [] && plain?.match == .first)
        let single = try load(
            "sources:\n  a: { verify: github, secrets: [env:S], routes: { type: x, kind: b } }")
        #expect(single.sources.first?.routes.count == 1)
    }

    @Test func `A job has what its route says, then what the handler of its kind says`() throws {
        let configuration = try load(
            """
            sources:
              a:
                verify: github
                secrets: [env:S]
                kind: hub.{type}
                routes:
                  - { type: push, kind: hub.ci, queue: fast }
            handlers:
              hub.ci: { noop: {}, queue: slow, priority: 3, max_attempts: 5 }
              "hub.*": { noop: {}, queue: rest, key: body:/id }
            """)
        let source = try #require(try configuration.webhookSources().first)
        func job(_ type: String) throws -> NewJob {
            let proof = try WebhookSigner(scheme: .github, secret: "hunter2")
                .headers(for: Array(#"{"id":7}"#.utf8), id: "d", at: .now)
            let request = WebhookRequest(
                headers: proof + [Payload.Header(name: "x-github-event", value: type)],
                body: Array(#"{"id":7}"#.utf8))
            return try #require(try source.verify(request).get().newEvent().jobs.first)
        }
        let push = try job("push")
        #expect(push.kind.description == "hub.ci" && push.queue.description == "fast")
        #expect(push.priority.level == 3 && push.maxAttempts == 5 && push.key == nil)
        let ping = try job("ping")
        #expect(ping.kind.description == "hub.ping" && ping.queue.description == "rest")
        #expect(ping.priority == .default && ping.key == "7")
    }

    @Test func `What a credential in a header or in the body must be is not shown`() throws {
        let listed = try load(
            """
            sources:
              a:
                verify: github
                secrets: [env:S]
                routes:
                  - kind: b
                    where:
                      header:X-Api-Key: [hunter2, b]
                      header:X-Tenant: acme
                      body:/auth/token: hunter2
                      body:/ref: main
            """
        ).listing()
        func value(_ key: String) -> String? {
            listed.first { $0.key == "sources.a.routes[0].where." + key }?.value
        }
        #expect(value("header:X-Tenant") == "acme" && value("body:/ref") == "main")
        #expect(value("header:X-Api-Key[0]") == "(hidden)")
        #expect(value("body:/auth/token") == "(hidden)")
        #expect(!listed.contains { $0.value?.contains("hunter2") == true })
    }

    private static let many = (0...32).map { "{ type: t\($0) }" }.joined(separator: ", ")

    /// What stands in line 5 and below, and what is said of it.
    private static let mistakes: [(String, String)] = [
        ("kind: \"{type}\"", "5: sources.a.kind must begin with a text of its own"),
        ("kind: \"a.{typ}\"", "5: sources.a.kind must be 1 to 100"),
        ("match: all", "5: sources.a.match has no meaning without routes"),
        ("match: some\n    routes: [{ kind: b }]", "5: sources.a.match must be one of first, all"),
        ("routes: push", "5: sources.a.routes[0] must be a mapping"),
        ("routes: [{}]", "5: sources.a.routes[0] must say which events take it"),
        ("routes: [{ typ: push, kind: b }]", "sources.a.routes[0].typ; did you mean type?"),
        (
            "routes:\n      - { type: a }\n      - { type: [] }",
            "7: sources.a.routes[1].type must list 1 to 32"
        ),
        ("routes: [{ type: \"*.created\" }]", "routes[0].type may have * at the end only"),
        ("routes: [{ type: { a: b } }]", "routes[0].type must be a list"),
        ("routes: [{ where: {} }]", "5: sources.a.routes[0].where must name a place"),
        ("routes: [{ where: push }]", "sources.a.routes[0].where must be a mapping"),
        ("routes: [{ where: { /ref: x } }]", "routes[0].where./ref must be header:NAME or body:"),
        ("routes: [{ where: { body:/ref: } }]", "routes[0].where.body:/ref must have a value"),
        (
            "routes: [{ where: { body:/ref: { a: b } } }]",
            "routes[0].where.body:/ref must be a list"
        ),
        (
            "routes: [{ where: { \"header:A\": x, \"header:a\": y } }]",
            "routes[0].where.header:a stands there twice"
        ),
        ("routes: [{ kind: a b }]", "5: sources.a.routes[0].kind must be 1 to 100"),
        ("routes: [{ queue: a b }]", "5: sources.a.routes[0].queue must be"),
        ("routes: [{ key: /ref }]", "5: sources.a.routes[0].key must be header:NAME"),
        ("routes: [{ priority: 4 }]", "5: sources.a.routes[0].priority must be a whole number"),
        ("routes: [{ max_attempts: 0 }]", "routes[0].max_attempts must be a whole number"),
        ("routes: [{ delay: 5 }]", "routes[0].delay must be a whole number and a unit"),
        (
            "routes:\n      - { type: \"p*\", kind: b }\n      - { type: push, kind: c }",
            "7: sources.a.routes[1] is never reached: routes[0] above it takes all its events"
        ),
        (
            "match: all\n    routes:\n      - { type: \"p*\", kind: b }\n"
                + "      - { type: push, kind: b, delay: 1s }",
            "8: sources.a.routes[1] makes no job of its own: routes[0] makes it of all its events"
        ),
        (
            "kind: b\n    routes:\n      - { type: push, kind: c }\n      - { kind: d }",
            "5: sources.a.kind is never used: routes[1] takes every event"
        ),
        ("routes: [\(many)]", "5: sources.a.routes must be at most 32"),
    ]

    @Test(arguments: mistakes)
    func `A route that cannot be meant is named with its line`(
        text: String, expected: String
    ) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try load(
                "sources:\n  a:\n    verify: github\n    secrets: [env:S]\n    " + text)
        }
        let told = try #require(error).description
        #expect(told.contains(expected), "\(told)")
    }

    @Test func `All that contradicts itself is told at once`() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try load(
                """
                sources:
                  a:
                    verify: { hmac: sha256, header: X-Sign }
                    secrets: [env:S]
                    kind: a.{type}
                    routes:
                      - { type: push, kind: b }
                      - { kind: "c.{type}" }
                      - { type: ping, kind: d }
                """)
        }
        let problems = try #require(error).problems.map(\.description)
        for expected in [
            ":5: sources.a.kind needs the event's type", ":7: sources.a.routes[0].type needs the",
            ":8: sources.a.routes[1].kind needs the", ":9: sources.a.routes[2].type needs the",
            ":9: sources.a.routes[2] is never reached",
        ] {
            #expect(problems.contains { $0.contains(expected) }, "\(expected): \(problems)")
        }
    }

    private func load(_ text: String) throws -> Configuration {
        let file = try TemporaryFile(text)
        return try Configuration.load(
            flags: ["config": file.path], environment: ["S": "hunter2"],
            needs: [.sources, .handlers])
    }
}
