import NIOHTTP1
import Tasq
import TasqWebhooks

/// The code that every form of a page carries: only who was shown the page can send its form.
///
/// It is bound to the session's cookie, or to the bearer token, so a code from somebody else's
/// page is none. Like the cookie it needs no memory of the server's, and is good at every server
/// with the same tokens; where there are none it is good as long as this server runs.
struct FormCode: Sendable {
    static let field = "code"

    private let key: [UInt8]

    init(tokens: [AdminToken]) {
        guard !tokens.isEmpty else {
            key = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
            return
        }
        // In whatever order a server was given them.
        let digests = tokens.map(\.digest).sorted { $0.lexicographicallyPrecedes($1) }
        key = SignatureScheme.Algorithm.sha256.hash(Array(digests.joined()))
    }

    /// The code of the pages drawn for whoever sent this.
    func text(for head: RequestHead) -> String {
        let holder =
            head.headers.first(name: "authorization")
            ?? DashboardSession.value(in: head).map { String($0) } ?? ""
        return SignatureScheme.Encoding.hex.encode(
            SignatureScheme.Algorithm.sha256.authenticationCode(
                of: Array("tasq form \(holder)".utf8), key: key))
    }

    /// Refuses a form that is not from a page drawn for whoever sends it; takes as long whichever
    /// code was sent.
    func check(_ form: Query, of head: RequestHead) throws(Problem) {
        let presented = try form.value(Self.field) { $0 } ?? ""
        guard areEqualInConstantTime(Array(presented.utf8), Array(text(for: head).utf8)) else {
            throw .staleForm
        }
    }
}

extension Problem {
    /// Of another session than this one, or of a server that has been started anew since.
    static let staleForm = Problem(
        code: "stale-form", status: .forbidden, title: "The form is not one of this session's",
        detail: "open its page again and send it from there")
}
