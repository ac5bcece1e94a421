import Tasq
import TasqTesting
import TestSizes
import Testing

@testable import TasqHTTP

/// Who may use which route, asked of every route there is.
@Suite(.medium)
struct RoleTests {
    @Test func `What changes something refuses who may only read, on every route`()
        async throws
    {
        let tokens = [
            try AdminToken("reader", role: .read), try AdminToken("operator", role: .operate),
        ]
        try await Stack.with(tokens: tokens) { stack, database in
            for route in try adminRoutes() {
                let path = route.path.map { $0.first == "{" ? "\(JobID())" : String($0) }
                    .joined(separator: "/")
                let name = "\(route.method) \(path)"
                if route.role == nil { continue }
                let nobody = try await stack.ask(route.method, path, "{}")
                #expect(nobody.status == 401, "\(name)")
                #expect(member("code", of: nobody.text) == "unauthorized", "\(name)")
                guard route.role == .operate else { continue }
                let reader = try await stack.ask(
                    route.method, path, "{}", headers: ["Authorization: Bearer reader"])
                #expect(reader.status == 403, "\(name): \(reader.text)")
                #expect(member("code", of: reader.text) == "forbidden", "\(name)")
                let person = try await stack.ask(
                    route.method, path, "{}", headers: ["Authorization: Bearer operator"])
                #expect(![401, 403, 405].contains(person.status), "\(name): \(person.text)")
            }
            let rows = try await database.execute("SELECT count(*) FROM tasq.job")
            #expect(rows == "0")
        }
    }

    @Test func `Where no token is needed, a request that names a length has to be small`()
        async throws
    {
        try await Stack.with(tokens: [try AdminToken("reader", role: .read)]) { stack, _ in
            for path in ["/login", "/logout"] {
                let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n"
                let said = try await RawConnection.exchange(with: stack.admin, Array(head.utf8))
                #expect(said.hasPrefix("HTTP/1.1 413 "), "\(said.prefix(200))")
            }
        }
    }

    @Test func `Without a token nothing is given but probes, the login page and its two files`()
        async throws
    {
        try await Stack.with(tokens: [try AdminToken("reader", role: .read)]) { stack, _ in
            var given: Set<String> = []
            for route in try adminRoutes() where route.method == "GET" {
                let path = route.path.map { $0.first == "{" ? "\(JobID())" : String($0) }
                    .joined(separator: "/")
                if try await stack.ask("GET", path).status == 200 { given.insert(path) }
            }
            #expect(
                given == ["/healthz", "/readyz", "/login", "/dashboard.css", "/dashboard.js"])
        }
    }

    @Test func `Routes for programs all have their role, and only pages and probes have none`()
        throws
    {
        for route in try adminRoutes() {
            let path = route.path.joined(separator: "/")
            let isForPrograms = path.hasPrefix("/v1/")
            if isForPrograms {
                #expect(route.role == (route.method == "GET" ? .read : .operate), "\(path)")
            } else if route.method != "GET" {
                // The forms of pages ask for the role themselves; DashboardFormTests tries each.
                #expect(route.method == "POST" && route.role == nil, "\(path)")
            }
        }
    }
}
