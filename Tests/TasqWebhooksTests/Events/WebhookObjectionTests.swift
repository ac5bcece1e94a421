import Tasq
import TasqWebhooks
import Testing

/// Routes that contradict themselves or each other.
@Suite struct WebhookObjectionTests {
    @Test func `A route that can be taken by no event, or says nothing, is refused by its field`()
        throws
    {
        let place = try Location("body:/a", field: "where")
        func refused(
            _ field: String, at location: SourceLocation = #_sourceLocation,
            _ make: () throws -> WebhookRoute
        ) {
            let error = #expect(throws: InvalidInput.self, sourceLocation: location) {
                try make()
            }
            #expect(error?.field == field, sourceLocation: location)
        }
        refused("r") { try WebhookRoute(field: "r") }
        refused("r.type") { try WebhookRoute(types: [], field: "r") }
        refused("r.type") { try WebhookRoute(types: [""], field: "r") }
        refused("r.type") { try WebhookRoute(types: ["*.created"], field: "r") }
        refused("r.type") { try WebhookRoute(types: ["a\u{0}"], field: "r") }
        refused("r.type") {
            try WebhookRoute(types: [String(repeating: "a", count: 201)], field: "r")
        }
        refused("r.type") { try WebhookRoute(types: Array(repeating: "a", count: 33), field: "r") }
        refused("r.where.body:/a") { try WebhookRoute(where: [.init(place, [])], field: "r") }
        refused("r.where.body:/a") { try WebhookRoute(where: [.init(place, [""])], field: "r") }
        refused("r.where.body:/a") {
            try WebhookRoute(where: [.init(place, ["1"]), .init(place, ["2"])], field: "r")
        }
        refused("r.where") {
            try WebhookRoute(
                where: (0..<9).map {
                    WebhookRoute.Condition(try Location("body:/\($0)", field: "where"), ["1"])
                }, field: "r")
        }
        refused("r.max_attempts") { try WebhookRoute(maxAttempts: 1001, field: "r") }
        refused("r.key") {
            try WebhookRoute(types: ["a"], options: SomeJobOptions(key: "k"), field: "r")
        }
        refused("r.delay") { try WebhookRoute(delay: .seconds(-1), field: "r") }
        refused("r.delay") {
            try WebhookRoute(delay: JobLimits.delay + .seconds(1), field: "r")
        }
    }

    @Test func `Of routes in order none may stand behind one that takes all its events`() throws {
        let routes = [
            try route(["push"]), try route(["pu*"]), try route(["push"], ["body:/a": ["1"]]),
            try route(["pull"], ["body:/a": ["1"]]), try route(["other"], ["body:/a": ["1*"]]),
            try route(["other"], ["body:/a": ["12", "1"], "body:/b": ["1"]]), try route(nil),
            try route(["*"]),
        ]
        #expect(
            objections(routes, .first) == [
                "s.routes[2] is never reached: routes[0] above it takes all its events",
                "s.routes[3] is never reached: routes[1] above it takes all its events",
                "s.routes[5] is never reached: routes[4] above it takes all its events",
                "s.routes[7] is never reached: routes[6] above it takes all its events",
            ])
        // Where all are taken, only what makes the same job of the same events is of no use.
        #expect(objections(routes, .all) == [])
        let same = [
            try route(["push"], kind: "a"), try route(["push"], ["body:/a": ["1"]], kind: "a"),
            try WebhookRoute(types: ["push"], kind: KindTemplate("a"), queue: Name("q")),
            try WebhookRoute(types: ["push"], priority: Priority(0)),
            try route(["push"], kind: "own"),
        ]
        #expect(
            objections(same, .all) == [
                "s.routes[1] makes no job of its own: routes[0] makes it of all its events",
                "s.routes[4] makes no job of its own: routes[3] makes it of all its events",
            ])
    }

    @Test func `A type that the source has no place for is asked for in vain`() throws {
        let routes = [
            try route(["push"]), try WebhookRoute(kind: KindTemplate("b.{type}")),
        ]
        let rule = "needs the event's type, and the scheme has no place for it: add type"
        #expect(
            objections(routes, .all, kind: "a.{type}", hasType: false) == [
                "s.kind \(rule)", "s.routes[0].type \(rule)", "s.routes[1].kind \(rule)",
            ])
        #expect(objections(routes, .all, kind: "a.{type}") == [])
        let error = #expect(throws: InvalidInput.self) {
            try WebhookSource(
                name: Name("s"), scheme: erpScheme(), secrets: ["s"],
                routing: routing([], .first, kind: "a.{type}"))
        }
        #expect(error?.description == "sources.s.kind \(rule)")
    }

    @Test func `Routes are as many as there may be, and look at as many places`() throws {
        let many = try (0..<33).map { try route(["type-\($0)"]) }
        #expect(objections(many, .first) == ["s.routes must be at most 32"])
        #expect(objections(Array(many.dropLast()), .first) == [])
        let places = try (0..<17).map { try route(nil, ["body:/\($0)": ["1"]]) }
        #expect(
            objections(places, .first) == ["s.routes must look at no more than 16 places in all"])
        #expect(objections(Array(places.dropLast()), .first) == [])
        let keyed = try WebhookRoute(
            kind: KindTemplate("a"), key: Location("body:/key", field: "key"))
        #expect(objections(Array(places.dropLast()) + [keyed], .first).count == 1)
        #expect(throws: InvalidInput.self) {
            try WebhookSource(
                name: Name("s"), scheme: .github, secrets: ["s"], routing: routing(many, .all))
        }
    }

    private func route(
        _ types: [String]?, _ places: [String: [String]] = [:], kind: String? = nil
    ) throws(InvalidInput) -> WebhookRoute {
        var conditions: [WebhookRoute.Condition] = []
        for (place, values) in places {
            conditions.append(.init(try Location(place, field: "where"), values))
        }
        // Each of a kind of its own unless told.
        let own = "k-\(types?.first?.count ?? 0)-\(conditions.count)"
        return try WebhookRoute(
            types: types, where: conditions, kind: KindTemplate(kind ?? own),
            queue: kind == nil ? Name("q-\(types?.first?.filter { $0 != "*" } ?? "none")") : nil)
    }

    private func routing(
        _ routes: [WebhookRoute], _ match: WebhookRouting.Match, kind: String = "own"
    ) throws(InvalidInput) -> WebhookRouting {
        WebhookRouting(kind: try KindTemplate(kind), routes: routes, match: match) {
            JobTemplate(of: $0)
        }
    }

    private func objections(
        _ routes: [WebhookRoute], _ match: WebhookRouting.Match, kind: String = "own",
        hasType: Bool = true
    ) -> [String] {
        let made = try? routing(routes, match, kind: kind)
        return made?.objections(of: "s", hasType: hasType).map(\.description) ?? ["no routing"]
    }
}
