import Tasq
import Testing

@testable import TasqHTTP

/// The specification against the routes.
struct OpenAPITests {
    @Test func `Every route is in the specification, and nothing else is`() throws {
        let served = Set(try routes().map { "\($0.method) \($0.path.joined(separator: "/"))" })
        let described = Self.described()
        #expect(served.subtracting(described).subtracting(Self.pages).sorted() == [])
        #expect(described.subtracting(served).sorted() == [])
    }

    @Test func `What needs no token says so, and everything else needs one`() throws {
        let open = Set(
            try routes().filter { $0.role == nil }.map { $0.path.joined(separator: "/") })
        let text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        for path in ["/healthz", "/readyz"] {
            #expect(open.contains(path))
            let part = try #require(text.components(separatedBy: "\n  \(path):\n").last)
            #expect(part.prefix(200).contains("security: []"), "\(path)")
        }
        #expect(text.components(of: "security: []") == 2)
    }

    /// Pages for people, described by what they show.
    private static let pages: Set<String> = [
        "GET /", "GET /jobs", "GET /jobs/{id}", "GET /queues", "GET /workers", "GET /events",
        "GET /events/{id}", "GET /login", "POST /login", "POST /logout", "GET /dashboard.css",
        "GET /dashboard.js",
    ]

    private func routes() throws -> [Route] {
        let store = try unreachableStore()
        return try AdminServer(
            address: ListenAddress(host: "127.0.0.1", port: 0), tokens: [],
            queue: Queue(store: store), catalog: store, readiness: Readiness(),
            meters: HTTPMeters(), logger: quiet
        ).routes
    }

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
