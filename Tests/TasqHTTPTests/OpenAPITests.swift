import Tasq
import TestSizes
import Testing

@testable import TasqHTTP

/// The specification against the routes.
@Suite(.medium) struct OpenAPITests {
    @Test func `Every route is in the specification, and nothing else is`() throws {
        let served = Set(try adminRoutes().map { "\($0.method) \($0.path.joined(separator: "/"))" })
        let described = Self.described()
        #expect(served.subtracting(described).subtracting(Self.pages).sorted() == [])
        #expect(described.subtracting(served).sorted() == [])
    }

    @Test func `The specification is served as it stands in the source`() async throws {
        try await Stack.with { stack, _ in
            let answer = try await stack.ask("GET", "/openapi.yaml")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "application/yaml")
            #expect(answer.body == SpecificationRoute.document)
        }
    }

    @Test func `What needs no token says so, and everything else needs one`() throws {
        let open = Set(
            try adminRoutes().filter { $0.role == nil }.map { $0.path.joined(separator: "/") })
        let text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        for path in ["/healthz", "/readyz"] {
            #expect(open.contains(path))
            let part = try #require(text.components(separatedBy: "\n  \(path):\n").last)
            #expect(part.prefix(200).contains("security: []"), "\(path)")
        }
        #expect(text.components(of: "security: []") == 2)
    }

    @Test(arguments: ["enqueue", "claim", "renewClaim", "succeed", "fail", "snooze"])
    func `A route that limits its body itself lists 413`(_ operation: String) throws {
        let text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        let parts = text.components(separatedBy: "operationId: \(operation)\n")
        try #require(parts.count == 2)
        let own = String(parts[1]).components(separatedBy: "\n        default: ")[0]
        #expect(own.contains("\n        \"413\": { $ref: \"#/components/responses/TooLarge\" }"))
    }

    /// Pages for people, described by what they show, and their forms.
    private static let pages: Set<String> = [
        "GET /", "GET /jobs", "GET /jobs/{id}", "GET /queues", "GET /workers", "GET /events",
        "GET /events/{id}", "GET /login", "POST /login", "POST /logout", "GET /dashboard.css",
        "GET /dashboard.js", "GET /jobs/{id}/retry", "POST /jobs/{id}/retry",
        "GET /jobs/{id}/cancel", "POST /jobs/{id}/cancel", "GET /jobs/{id}/delete",
        "POST /jobs/{id}/delete", "GET /queues/pause", "POST /queues/pause", "GET /queues/resume",
        "POST /queues/resume", "GET /events/{id}/replay", "POST /events/{id}/replay",
        "GET /bulk", "POST /bulk", "GET /bulk/{id}", "POST /bulk/{id}/stop",
        "GET /jobs/{id}/payload",
    ]

    /// The paths stand at two blanks, their methods at four.
    private static func described() -> Set<String> {
        var result: Set<String> = []
        var path = ""
        let text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        for line in text.split(separator: "\n") {
            if line.hasPrefix("  /") {
                path = String(line.dropFirst(2).prefix { $0 != ":" })
            } else if line == "components:" {
                break
            } else if let method = ["get", "post", "delete"].first(where: { line == "    \($0):" })
            {
                result.insert("\(method.uppercased()) \(path)")
            }
        }
        return result
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
