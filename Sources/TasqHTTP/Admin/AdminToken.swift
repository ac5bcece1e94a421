import NIOHTTP1
public import Tasq
import TasqWebhooks

/// What a bearer token allows; each role includes those before it.
public enum Role: Int, Sendable, Hashable, Comparable {
    /// Look at jobs and webhooks, their payloads too, and at queues, workers and metrics.
    case read
    /// Also enqueue and change.
    case operate

    /// Orders roles by what they allow.
    public static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
}

/// A bearer token of the admin listener. Only its digest is kept.
public struct AdminToken: Sendable {
    let role: Role
    let digest: [UInt8]

    /// Throws `InvalidInput` for a token no client could send: empty, longer than 1000 bytes or
    /// with anything but visible ASCII in it.
    public init(_ token: String, role: Role) throws(InvalidInput) {
        guard (1...1000).contains(token.utf8.count),
            token.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw InvalidInput(
                field: "admin token", "must be 1 to 1000 visible ASCII characters")
        }
        self.role = role
        digest = SignatureScheme.Algorithm.sha256.hash(Array(token.utf8))
    }

    /// Whether the text is this token; takes as long for any text of one length.
    func matches(_ text: some StringProtocol) -> Bool {
        areEqualInConstantTime(SignatureScheme.Algorithm.sha256.hash(Array(text.utf8)), digest)
    }
}

/// Who may do what on the admin listener.
struct Authorization: Sendable {
    let tokens: [AdminToken]

    /// The role of a request; without tokens everybody who reaches the listener may do anything.
    ///
    /// The token counts in the `Authorization` header only: one in the query would end up in logs.
    func role(of head: RequestHead) throws(Problem) -> Role {
        try checkOrigin(of: head)
        guard !tokens.isEmpty else { return .operate }
        let values = head.headers["authorization"]
        if values.isEmpty, let role = try DashboardSession.role(of: head, among: tokens) {
            return role
        }
        guard values.count == 1, let value = values.first,
            let space = value.firstIndex(of: " "),
            value[..<space].lowercased() == "bearer"
        else { throw .unauthorized }
        let presented = value[value.index(after: space)...]
        var role: Role?
        // Every token is looked at, so that time does not tell which one came close.
        for token in tokens where token.matches(presented) {
            role = max(role ?? .read, token.role)
        }
        guard let role else { throw .unauthorized }
        return role
    }

    /// Refuses what a foreign web page makes its visitor's browser send: without a token it would
    /// otherwise reach a listener on the visitor's own computer.
    func checkOrigin(of head: RequestHead) throws(Problem) {
        let host = head.headers.first(name: "host")?.lowercased()
        if let origin = head.headers.first(name: "origin")?.lowercased() {
            guard let host, origin == "http://\(host)" || origin == "https://\(host)" else {
                throw .foreignOrigin
            }
        }
        // A name of the attacker's may resolve to this computer (DNS rebinding).
        guard tokens.isEmpty, let host else { return }
        do throws(InvalidInput) {
            let address = try ListenAddress(withPort(host), field: "Host")
            guard !address.isLoopback else { return }
        } catch {}
        throw .foreignHost
    }

    private func withPort(_ host: String) -> String {
        let hasPort = host.hasPrefix("[") ? host.contains("]:") : host.contains(":")
        return hasPort ? host : host + ":0"
    }
}
