import TasqTesting
import Testing

@testable import TasqHTTP

/// A browser without a script: it keeps a cookie, and sends forms as they stand on a page.
struct Browser: Sendable {
    let stack: Stack
    /// The `Cookie` header; `nil` without a login.
    var cookie: String?

    /// What every browser says of where it sends a form from.
    var origin: String { "Origin: http://\(stack.admin)" }

    init(_ stack: Stack) {
        self.stack = stack
    }

    init(_ stack: Stack, loggedInWith token: String) async throws {
        self.init(stack)
        let answer = try await stack.ask("POST", "/login", "token=\(token)", headers: [origin])
        let set = try #require(answer["set-cookie"])
        cookie = "Cookie: \(set.prefix { $0 != ";" })"
    }

    func get(_ path: String) async throws -> RawAnswer {
        try await stack.ask("GET", path, headers: [cookie].compactMap { $0 })
    }

    /// Sends a form's body as it stands, from the origin given.
    func post(_ path: String, _ body: String, from origin: String?) async throws -> RawAnswer {
        try await stack.ask(
            "POST", path, body, headers: [cookie, origin].compactMap { $0 })
    }

    /// Sends the form that a page asks with, and what else is filled in.
    func send(_ page: RawAnswer, and more: String = "") async throws -> RawAnswer {
        let form = try #require(page.askingForm, "\(page.text)")
        return try await post(form.target, form.body + more, from: origin)
    }

    /// Sends the form of the page at a path and follows to where it leads.
    func confirm(_ path: String) async throws -> RawAnswer {
        let answer = try await send(get(path))
        #expect(answer.status == 303, "\(path): \(answer.text)")
        return try await get(try #require(answer["location"]))
    }
}

extension RawAnswer {
    /// Where the form of a page that asks is sent, and what it sends hidden.
    var askingForm: (target: String, body: String)? {
        let text = text
        let start = "<form method=\"post\" action=\""
        let parts = text.ranges(of: start).map { text[$0.upperBound...] }
        guard let form = parts.first(where: { !$0.hasPrefix("/log") }) else { return nil }
        let end = form.firstRange(of: "</form>")?.lowerBound ?? form.endIndex
        let inputs = form[..<end].ranges(of: "<input type=\"hidden\" name=\"").map { range in
            let quoted = form[range.upperBound...].split(
                separator: "\"", maxSplits: 3, omittingEmptySubsequences: false)
            return "\(quoted[0])=\(encoded(unescaped(quoted[2])))"
        }
        return (String(form.prefix { $0 != "\"" }), inputs.joined(separator: "&"))
    }

    private func unescaped(_ text: Substring) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
    }

    private func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte)
                || (97...122).contains(byte) || byte == UInt8(ascii: "-")
            return isPlain ? String(UnicodeScalar(byte)) : "%" + hex([byte])
        }.joined()
    }
}
