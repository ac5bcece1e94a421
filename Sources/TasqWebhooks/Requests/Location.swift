public import Tasq

/// Where a value stands in a request: `header:X-Name` or `body:/json/pointer` (RFC 6901).
public struct Location: Sendable, Hashable {
    package enum Place: Sendable, Hashable {
        /// A header, its name in lower case.
        case header(String)
        case body(JSONPointer)
    }

    package let place: Place

    /// Throws `InvalidInput` naming `field` when the text is neither form.
    public init(_ text: String, field: String) throws(InvalidInput) {
        if text.hasPrefix("header:") {
            place = .header(try checkedHeaderName(text.dropFirst("header:".count), field: field))
        } else if text.hasPrefix("body:") {
            place = .body(try JSONPointer(text.dropFirst("body:".count), field: field))
        } else {
            throw InvalidInput(field: field, "must be header:NAME or body:/json/pointer")
        }
    }

    package init(_ place: Place) {
        self.place = place
    }

    /// The text of the value; `nil` when it is absent, empty, repeated (a header), or null, an
    /// object or an array (in the body), and when the body is not JSON.
    public func value(in request: WebhookRequest) -> String? {
        switch place {
        case .header(let name):
            guard let value = try? request.soleValue(of: name) else { return nil }
            return String(value)
        case .body(let pointer):
            guard let value = pointer.value(in: request.content), !value.isEmpty else { return nil }
            return value
        }
    }

    /// The header's name in lower case; `nil` for a place in the body.
    package var headerName: String? {
        if case .header(let name) = place { name } else { nil }
    }
}

extension Location: CustomStringConvertible {
    /// The form it is read from.
    public var description: String {
        switch place {
        case .header(let name): "header:\(name)"
        case .body(let pointer): "body:\(pointer)"
        }
    }
}

/// A header name in lower case, once it is known to be an RFC 9110 token of at most 100 bytes.
package func checkedHeaderName(
    _ text: some StringProtocol, field: String
) throws(InvalidInput) -> String {
    guard text.utf8.count <= 100, isToken(text) else {
        throw InvalidInput(field: field, "must name a header, as in X-Signature")
    }
    return text.lowercased()
}
