import Tasq
import TasqWebhooks
import Testing

/// Which jobs an event becomes.
@Suite struct WebhookRoutingTests {
    private static let body = Array(
        #"{"ref":"refs/heads/main","n":7,"ok":true,"repo":{"name":"a/b"},"empty":""}"#.utf8)

    private static let cases: [([String]?, [String: [String]], Bool)] = [
        (["push"], [:], true), (["pull_request", "push"], [:], true), (["pu*"], [:], true),
        (["*"], [:], true), (["PUSH"], [:], false), (["pus"], [:], false), (["push_*"], [:], false),
        (nil, ["body:/ref": ["refs/heads/main"]], true),
        (nil, ["body:/ref": ["refs/heads/*"]], true),
        (nil, ["body:/ref": ["refs/tags/*", "refs/heads/main"]], true),
        (nil, ["body:/ref": ["refs/heads/mai"]], false), (nil, ["body:/n": ["7"]], true),
        (nil, ["body:/n": ["7.0"]], false), (nil, ["body:/ok": ["true"]], true),
        (nil, ["body:/repo/name": ["a/b"]], true), (nil, ["body:/repo": ["*"]], false),
        (nil, ["body:/nothing": ["*"]], false), (nil, ["body:/empty": ["*"]], false),
        (nil, ["header:X-Tenant": ["acme"]], true),
        (nil, ["header:x-tenant": ["b", "acme"]], true),
        (nil, ["header:X-Tenant": ["ACME"]], false), (nil, ["header:X-Twice": ["*"]], false),
        // One letter in two spellings, which are equal as strings.
        (nil, ["header:X-Accent": ["\u{E9}"]], true),
        (nil, ["header:X-Accent": ["e\u{301}"]], false),
        (["push"], ["body:/ref": ["refs/heads/main"], "header:X-Tenant": ["acme"]], true),
        (["push"], ["body:/ref": ["refs/heads/main"], "header:X-Tenant": ["other"]], false),
        (["ping"], ["body:/ref": ["refs/heads/main"]], false),
    ]

    @Test(arguments: cases)
    func `A route is taken when its type and all its conditions hold`(
        types: [String]?, places: [String: [String]], isTaken: Bool
    ) throws {
        let route = try WebhookRoute(
            types: types, where: conditions(places), kind: KindTemplate("routed"))
        let event = try source([route]).verify(request()).get()
        let index: Int? = isTaken ? 0 : nil
        #expect(event.jobs.map(\.route) == [index])
        #expect(kinds(event) == [isTaken ? "routed" : "plain"])
    }

    @Test func `An event without a type takes no route that asks for one`() throws {
        let route = try WebhookRoute(types: ["*"], kind: KindTemplate("routed"))
        let event = try source([route]).verify(githubRequest([:])).get()
        #expect(kinds(event) == ["plain"])
    }

    @Test func `Of several routes the first is taken, or all of them in their order`() throws {
        let routes = [
            try WebhookRoute(types: ["ping"], kind: KindTemplate("a")),
            try WebhookRoute(types: ["push"], kind: KindTemplate("b")),
            try WebhookRoute(
                where: conditions(["body:/n": ["7"]]), kind: KindTemplate("c.{type}")),
            try WebhookRoute(priority: Priority(0)),
        ]
        let first = try source(routes).verify(request()).get()
        #expect(kinds(first) == ["b"])
        let all = try source(routes, match: .all).verify(request()).get()
        #expect(kinds(all) == ["b", "c.push", "plain"])
        #expect(all.jobs.map(\.route) == [1, 2, 3])
        #expect(try all.newEvent().jobs.map(\.kind) == all.jobs.map(\.job.kind))
    }

    @Test func `Jobs of one kind, queue and key are one, the first`() throws {
        let routes = [
            try WebhookRoute(types: ["push"], kind: KindTemplate("a"), maxAttempts: 3),
            try WebhookRoute(where: conditions(["body:/n": ["7"]]), kind: KindTemplate("a")),
            try WebhookRoute(
                where: conditions(["body:/n": ["7"]]), kind: KindTemplate("a"),
                key: Location("body:/ref", field: "key")),
            try WebhookRoute(
                where: conditions(["body:/n": ["7"]]), kind: KindTemplate("a"), queue: Name("q")),
        ]
        let event = try source(routes, match: .all).verify(request()).get()
        #expect(event.jobs.map(\.route) == [0, 2, 3])
        #expect(event.jobs.first?.job.maxAttempts == 3)
    }

    @Test func `A route says what is special, its kind's template the rest`() throws {
        let route = try WebhookRoute(
            types: ["push"], kind: KindTemplate("ci.{type}"), queue: Name("ci"),
            priority: Priority(3), maxAttempts: 5, key: Location("body:/repo/name", field: "key"),
            delay: .seconds(90))
        let job = try #require(try source([route]).verify(request()).get().newEvent().jobs.first)
        #expect(job.kind.description == "ci.push" && job.queue.description == "ci")
        #expect(job.priority.level == 3 && job.maxAttempts == 5 && job.key == "a/b")
        #expect(job.start == .after(.seconds(90)))

        let bare = try WebhookRoute(types: ["push"], priority: Priority(0))
        let plain = try #require(try source([bare]).verify(request()).get().newEvent().jobs.first)
        #expect(plain.kind.description == "plain" && plain.queue.description == "of-plain")
        #expect(plain.priority.level == 0 && plain.maxAttempts == 7 && plain.start == .now)
        #expect(plain.key == "refs/heads/main")
    }

    @Test func `A kind by type has what the handler of that kind says`() throws {
        let event = try source([], kind: "hub.{type}").verify(request()).get()
        #expect(event.jobs.map(\.job.queue.description) == ["of-hub.push"])
        #expect(event.jobs.map(\.lacksType) == [false])
        let typeless = try source([], kind: "hub.{type}").verify(githubRequest([:])).get()
        #expect(kinds(typeless) == ["hub.other"])
        #expect(typeless.jobs.map(\.lacksType) == [true])
    }

    @Test func `Whoever asks is warned of events without an id or a type`() throws {
        let source = try source([], kind: "hub.{type}")
        let known = try source.verify(
            githubRequest(["X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1"])
        ).get()
        #expect(source.warnings(about: known) == [])
        let unknown = try source.verify(githubRequest([:])).get()
        #expect(
            source.warnings(about: unknown) == [
                "no event id at header:x-github-delivery: "
                    + "if the event is sent again, it runs again",
                "the event has no type that fits into a kind: it is hub.other",
            ])
        let erp = try WebhookSource(
            name: Name("erp"), scheme: erpScheme(), secrets: ["s"],
            routing: WebhookRouting(JobTemplate(of: Name("erp"))))
        #expect(
            erp.warnings(about: unknown).first
                == "the source has no id: if the event is sent again, it runs again")
    }

    private func request() throws -> WebhookRequest {
        try githubRequest(
            [
                "X-GitHub-Event": "push", "X-Tenant": " acme ", "X-Twice": "a", "x-twice": "b",
                "X-Accent": "\u{E9}",
            ], body: Self.body)
    }

    private func conditions(
        _ places: [String: [String]]
    ) throws(InvalidInput) -> [WebhookRoute.Condition] {
        var conditions: [WebhookRoute.Condition] = []
        for (place, values) in places.sorted(by: { $0.key < $1.key }) {
            conditions.append(.init(try Location(place, field: "where"), values))
        }
        return conditions
    }

    private func kinds(_ event: VerifiedEvent) -> [String] {
        event.jobs.map(\.job.kind.description)
    }

    /// Kinds wait in queues of their own.
    private func source(
        _ routes: [WebhookRoute], kind: String = "plain", match: WebhookRouting.Match = .first
    ) throws -> WebhookSource {
        let key = try Location("body:/ref", field: "key")
        let routing = WebhookRouting(
            kind: try KindTemplate(kind), routes: routes, match: match
        ) { kind in
            var job = JobTemplate(of: kind)
            job.maxAttempts = 7
            if kind.description == "plain" { job.key = key }
            if kind.description != "a" {
                job.queue = Name(unchecked: "of-" + kind.description)
            }
            return job
        }
        return try WebhookSource(
            name: Name("sample"), scheme: .github, secrets: ["It is a secret"], routing: routing)
    }
}
