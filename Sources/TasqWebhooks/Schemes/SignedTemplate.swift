package import Tasq

/// The bytes a signature covers, as in `{id}.{timestamp}.{body}`.
package struct SignedTemplate: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case id, timestamp, body, method
        /// The path with its query, as it stands in the request's first line.
        case path
        /// Stands for itself.
        case text(String)
    }

    package let parts: [Part]

    /// The body alone.
    package static let body = SignedTemplate(parts: [.body])

    package init(parts: [Part]) {
        self.parts = parts
    }

    /// Throws ``InvalidInput`` naming `field` for an unknown placeholder, a brace on its own, or
    /// a text without exactly one `{body}`: a body that is not signed could be anybody's.
    package init(_ text: String, field: String) throws(InvalidInput) {
        guard text.utf8.count <= 200 else {
            throw InvalidInput(field: field, "must be at most 200 bytes")
        }
        var parts: [Part] = []
        var rest = text[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if brace > rest.startIndex { parts.append(.text(String(rest[..<brace]))) }
            rest = rest[brace...]
            if rest.hasPrefix("{id}") {
                parts.append(.id)
            } else if rest.hasPrefix("{timestamp}") {
                parts.append(.timestamp)
            } else if rest.hasPrefix("{body}") {
                parts.append(.body)
            } else if rest.hasPrefix("{method}") {
                parts.append(.method)
            } else if rest.hasPrefix("{path}") {
                parts.append(.path)
            } else {
                throw InvalidInput(
                    field: field,
                    "knows the placeholders {id}, {timestamp}, {method}, {path} and {body} only")
            }
            rest = rest[rest.index(after: rest.firstIndex(of: "}") ?? brace)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        guard parts.count(where: { $0 == .body }) == 1 else {
            throw InvalidInput(field: field, "must contain {body} exactly once")
        }
        self.parts = parts
    }

    package func contains(_ part: Part) -> Bool {
        parts.contains(part)
    }
}
