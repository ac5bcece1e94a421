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

    /// What no schema says in full has to be narrowed for a generator: see NarrowedSpecification.
    @Test func `What is narrowed for a generator of requests stands in the specification`() throws {
        let wide = String(decoding: SpecificationRoute.document, as: UTF8.self)
        #expect(try NarrowedSpecification.text() != wide)
    }

    /// A field and a text it may have, which a client made of the specification must let through.
    private static let taken: [(field: String, text: String)] = [
        ("key", "é"), ("key", "two\nlines and\ta tab"), ("unique_key", "鍵"), ("delay", "99999s"),
        ("run_at", "2099-01-31T23:59:59.123456789-03:30"), ("run_at", "2098-12-30t00:00:00z"),
        ("lease", "1h"), ("lease", "3000ms"), ("wait", "0m"), ("host", "Büro 7"),
        ("error", "no\tluck\nat all: é"), ("worker_id", "019AB3C4-5D6E-7F80-9123-456789ABCDEF"),
    ]

    @Test func `What the server takes, the specification allows`() async throws {
        let tomorrow = Timestamp(microseconds: Timestamp.now.microseconds + 86_400_000_000)
        try await Stack.with { stack, _ in
            for (field, text) in Self.taken + [(field: "run_at", text: tomorrow.description)] {
                let answer = try await stack.post(field, text)
                #expect([200, 201].contains(answer.status), "\(field) \(text): \(answer.text)")
                let patterns = Self.patterns(of: field)
                #expect(!patterns.isEmpty, "\(field)")
                for pattern in patterns {
                    let regex = try Regex(pattern).matchingSemantics(.unicodeScalar)
                    #expect(text.firstMatch(of: regex) != nil, "\(field) \(text): \(pattern)")
                }
            }
            // A list by a time on the last of a month, with a zone, and by other words for one.
            for since in ["2026-08-31T00:00:00%2B02:00", "2026-08-31", "yesterday", "99999s"] {
                #expect(
                    try await stack.ask("GET", "/v1/jobs?since=\(since)").status == 200, "\(since)")
            }
        }
    }

    /// Every pattern that stands for a field of this name, by itself or in a schema it names.
    private static func patterns(of name: String) -> [String] {
        let text = String(decoding: SpecificationRoute.document, as: UTF8.self)
        var patterns: [String] = []
        for line in text.split(separator: "\n") {
            let line = line.drop { $0 == " " }
            guard line.hasPrefix("\(name): {") else { continue }
            if let mark = line.firstRange(of: "pattern: ") {
                let rest = line[mark.upperBound...]
                guard let quote = rest.first else { continue }
                let pattern = String(rest.dropFirst().prefix { $0 != quote })
                // Only double quotes know escapes.
                patterns.append(quote == "\"" ? pattern.replacing("\\\\", with: "\\") : pattern)
            } else if let mark = line.firstRange(of: "#/components/schemas/") {
                let schema = line[mark.upperBound...].prefix { $0 != "\"" }
                patterns += Self.patterns(of: String(schema))
            }
        }
        return patterns
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
        "GET /jobs/{id}/payload", "GET /find", "GET /schedules", "GET /schedules/pause",
        "POST /schedules/pause", "GET /schedules/resume", "POST /schedules/resume",
        "GET /schedules/edit", "POST /schedules/edit", "GET /held-back",
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
            } else if let method = ["get", "put", "post", "delete"].first(where: {
                line == "    \($0):"
            }) {
                result.insert("\(method.uppercased()) \(path)")
            }
        }
        return result
    }
}

extension Stack {
    /// Sends a text as the field of this name, wherever the interface has it.
    fileprivate func post(_ field: String, _ text: String) async throws -> RawAnswer {
        let worker = WorkerID().description
        switch field {
        case "lease", "wait", "host", "worker_id":
            let body = JSONWriter.object { json in
                if field != "worker_id" { json.member("worker_id", worker) }
                json.member(field, text)
            }
            return try await ask("POST", "/v1/claims", bytes: body)
        case "error":
            _ = try await enqueue(#"{"kind":"mail","queue":"failing"}"#)
            let claims = try await claim(#"{"worker_id":"\#(worker)","queues":["failing"]}"#)
            let token = try #require(member("token", of: claims.text), "\(claims.text)")
            let body = JSONWriter.object { $0.member(field, text) }
            return try await ask("POST", "/v1/claims/\(token)/fail", bytes: body)
        default:
            let body = JSONWriter.object { json in
                json.member("kind", "mail")
                json.member(field, text)
            }
            return try await ask("POST", "/v1/jobs", bytes: body)
        }
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
