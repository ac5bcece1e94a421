import Tasq

/// One method on one path, who may use it, and what it does.
struct Route: Sendable {
    typealias Handle = @Sendable (Request, _ id: Substring) async throws(Problem) -> Answer

    let method: String
    let path: [Substring]
    /// `nil` for everybody: probes have no tokens.
    let role: Role?
    let handle: Handle

    /// A path such as `/v1/jobs/{id}`; a part in braces stands for any one part.
    init(_ method: String, _ path: String, _ role: Role?, _ handle: @escaping Handle) {
        self.method = method
        self.path = path.split(separator: "/", omittingEmptySubsequences: false)
        self.role = role
        self.handle = handle
    }

    /// What stands for the part in braces, empty without one; `nil` when the path is another one.
    func match(_ parts: [Substring]) -> Substring? {
        guard parts.count == path.count else { return nil }
        var variable: Substring = ""
        for (part, pattern) in zip(parts, path) {
            if pattern.first == "{" {
                variable = part
            } else if part != pattern {
                return nil
            }
        }
        return variable
    }
}

/// Finds the route of a request and checks who asks for it.
struct Routes: Responder {
    let routes: [Route]
    let authorization: Authorization

    func admit(_ head: RequestHead) throws(Problem) {
        _ = try route(for: head)
        try head.checkEncoding()
    }

    /// Whoever needs no token has little to say.
    func allowance(for head: RequestHead, within limits: HTTPLimits) -> BodyAllowance {
        let isOpen = (try? route(for: head))?.0.role == nil
        return BodyAllowance(
            bytes: isOpen ? min(limits.bodyBytes, Self.openBodyBytes) : limits.bodyBytes)
    }

    /// Bytes of the body of a request that needs no token, as a login.
    private static let openBodyBytes = 4096

    func answer(_ request: Request) async throws(Problem) -> Answer {
        let (route, id) = try route(for: request.head)
        // Only the variable part, and only here: an encoded slash is part of a name, never a path.
        return try await route.handle(
            request, Query.decoded(id, inPath: true).map { Substring($0) } ?? id)
    }

    private func route(for head: RequestHead) throws(Problem) -> (Route, Substring) {
        let parts = head.path.split(separator: "/", omittingEmptySubsequences: false)
        let matches = routes.compactMap { route in route.match(parts).map { (route, $0) } }
        let method = head.method == "HEAD" ? "GET" : head.method
        let match = matches.first { $0.0.method == method }
        if let match, match.0.role == nil { return match }
        // Who has no token does not learn which routes there are.
        let role = try authorization.role(of: head)
        guard !matches.isEmpty else { throw .notFound }
        guard let match else {
            let methods = matches.map(\.0.method)
            throw .methodNotAllowed(methods.contains("GET") ? methods + ["HEAD"] : methods)
        }
        guard let needed = match.0.role, role >= needed else { throw .forbidden }
        return match
    }
}
