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
    public internal(set) var body: [UInt8]
    /// What pointers into the body see: the JSON of a form, else the body.
    package var content: [UInt8]
    /// See ``SignatureScheme/family``.
    package var family: String?

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
        content = body
    }

    /// The value of a header that must stand there exactly once, without the blanks around it.
    ///
    /// A repeated header is refused rather than guessed at: two programs on the way may have
    /// read different ones of the two. Both forms of a name with one value are one header.
    package func soleValue(of header: String) throws(Refusal) -> Substring {
        var found: Payload.Header?
        for candidate in headers where isSame(candidate.name, header) {
            if let found {
                guard found.name != candidate.name,
                    found.value.utf8.elementsEqual(candidate.value.utf8)
                else { throw .repeatedHeader(header) }
            } else {
                found = candidate
            }
        }
        guard let value = found?.value[...].trimmingBlanks(), !value.isEmpty else {
            throw .missingHeader(header)
        }
        return value
    }

    /// Whether the body says that it is packed by gzip.
    package var isGzip: Bool {
        let codings = headers.filter { $0.name == "content-encoding" }.map {
            $0.value[...].trimmingBlanks().lowercased()
        }.filter { !["", "identity"].contains($0) }
        return codings.count == 1 && WebhookSource.Decoding.gzip.names.contains(codings[0])
    }

    /// Whether two names in lower case mean the same header.
    package func isSame(_ name: String, _ other: String) -> Bool {
        name == other || (family != nil && fullName(name) == fullName(other))
    }

    /// A name in lower case in the longer of its forms.
    package func fullName(_ name: String) -> String {
        longerName(of: name, family)
    }
}

/// A header's name in lower case, in the longer form where its family has two.
private func longerName(of name: String, _ family: String?) -> String {
    guard let family, name.hasPrefix(family) else { return name }
    return "x-" + name
}

extension SignatureScheme {
    /// Whether two names in lower case mean the same header to the provider.
    package func isSame(_ name: String, _ other: String) -> Bool {
        longerName(of: name, family) == longerName(of: other, family)
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
