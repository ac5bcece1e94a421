import NIOHTTP1
import Tasq
import TasqWebhooks

/// A login to the dashboard: a cookie that proves that its holder knew a token.
///
/// The cookie says when it ends, and carries a code over that, keyed by the token's digest. So it
/// holds no token, needs no memory of the server's, is good at every server with the same tokens,
/// and ends when its token is taken out of the configuration.
enum DashboardSession {
    static let cookie = "tasq_session"
    static let length = Duration.seconds(12 * 3600)

    /// The `Set-Cookie` value for who knows this token.
    static func issue(for token: AdminToken, now: Timestamp, isSecure: Bool) -> String {
        let end = now.microseconds / 1_000_000 + length.components.seconds
        return attributes("\(end).\(code(end, token))", isSecure: isSecure)
            + "; Max-Age=\(length.components.seconds)"
    }

    /// The `Set-Cookie` value that ends a session.
    static var ended: String { attributes("", isSecure: false) + "; Max-Age=0" }

    /// What the request's cookie allows; `nil` without a good one.
    ///
    /// Throws when a page of another origin may have sent it: whoever changes something by the
    /// cookie must say where the request comes from.
    static func role(
        of head: RequestHead, among tokens: [AdminToken]
    ) throws(Problem) -> Role? {
        guard let value = value(in: head), let dot = value.firstIndex(of: "."),
            let end = Int64(value[..<dot]), end > Timestamp.now.microseconds / 1_000_000
        else { return nil }
        let presented = value[value.index(after: dot)...]
        var role: Role?
        for token in tokens
        where areEqualInConstantTime(Array(presented.utf8), Array(code(end, token).utf8)) {
            role = max(role ?? .read, token.role)
        }
        guard role != nil else { return nil }
        guard head.method == "GET" || head.method == "HEAD" || head.headers.contains(name: "origin")
        else { throw .foreignOrigin }
        return role
    }

    private static func attributes(_ value: String, isSecure: Bool) -> String {
        "\(cookie)=\(value); Path=/; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    /// What the request's cookie says.
    static func value(in head: RequestHead) -> Substring? {
        for header in head.headers["cookie"] {
            for pair in header.split(separator: ";") {
                let trimmed = pair.drop { $0 == " " }
                if trimmed.hasPrefix(cookie + "=") { return trimmed.dropFirst(cookie.count + 1) }
            }
        }
        return nil
    }

    private static func code(_ end: Int64, _ token: AdminToken) -> String {
        SignatureScheme.Encoding.hex.encode(
            SignatureScheme.Algorithm.sha256.authenticationCode(
                of: Array("tasq dashboard \(end)".utf8), key: token.digest))
    }
}
