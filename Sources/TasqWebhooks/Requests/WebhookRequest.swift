public import Tasq

/// A request as it came in: what a signature covers and what an event keeps.
public struct WebhookRequest: Sendable {
    /// The method, as in `POST`.
    public let method: String
    /// The path with its query, as the client sent it.
    public let path: String
    /// The headers in the order they came, repeats kept, names in lower case.
    public let headers: [Payload.Header]
    /// The body, byte for byte.
    public let body: [UInt8]

    /// Takes the headers in any case.
    public init(
        method: String = "POST", path: String = "/", headers: [Payload.Header], body: [UInt8]
    ) {
        self.method = method
        self.path = path
        self.headers = headers.map {
            Payload.Header(name: $0.name.lowercased(), value: $0.value)
        }
        self.body = body
    }

    /// The value of a header that must stand there exactly once, without the blanks around it.
    ///
    /// A repeated header is refused rather than guessed at: two programs on the way may have
    /// read different ones of the two.
    package func soleValue(of header: String) throws(Refusal) -> Substring {
        var found: Substring?
        for candidate in headers where candidate.name == header {
            guard found == nil else { throw .repeatedHeader(header) }
            found = candidate.value[...]
        }
        guard let value = found?.trimmingBlanks(), !value.isEmpty else {
            throw .missingHeader(header)
        }
        return value
    }
}

extension Substring {
    /// Without the spaces and tabs at both ends.
    package func trimmingBlanks() -> Substring {
        var rest = utf8
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return Substring(rest)
    }
}
