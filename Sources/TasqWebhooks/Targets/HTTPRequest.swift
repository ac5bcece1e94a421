import FoundationEssentials
import NIOCore
package import NIOHTTP1
package import Tasq

/// Where a URL's server is: one ``TargetPool`` serves just one of these.
package struct HTTPOrigin: Sendable, Hashable, CustomStringConvertible {
    package let isSecure: Bool
    /// A name or an address, without brackets.
    package let host: String
    package let port: Int

    /// As in `https://example.com:443`.
    package var description: String {
        "\(isSecure ? "https" : "http")://\(shownHost):\(port)"
    }

    /// An IPv6 address in brackets.
    var shownHost: String { host.contains(":") ? "[\(host)]" : host }

    /// As it stands in a `Host` header: without the port that belongs to the scheme.
    fileprivate var authority: String {
        port == (isSecure ? 443 : 80) ? shownHost : "\(shownHost):\(port)"
    }
}

/// A request with its whole body.
package struct HTTPRequest: Sendable {
    package let origin: HTTPOrigin
    /// Path and query.
    package let place: String
    package var method = HTTPMethod.GET
    /// Without those that frame the message, which are added when it is sent, as is `Host` where
    /// it is not given.
    package var headers = HTTPHeaders()
    package var body: [UInt8] = []

    /// A `GET`. Throws `InvalidInput` naming `field` for what is no http or https URL.
    package init(url text: String, field: String = "url") throws(InvalidInput) {
        guard let url = URLComponents(string: text), let scheme = url.scheme?.lowercased(),
            ["http", "https"].contains(scheme), var host = url.encodedHost, !host.isEmpty,
            url.user == nil
        else { throw InvalidInput(field: field, "must be an http or https URL without a user") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65_535).contains(port) else {
            throw InvalidInput(field: field, "must have a port between 1 and 65535")
        }
        origin = HTTPOrigin(isSecure: scheme == "https", host: host, port: port)
        let path = url.percentEncodedPath
        place = (path.isEmpty ? "/" : path) + (url.percentEncodedQuery.map { "?\($0)" } ?? "")
    }

    /// The bytes to send. Throws ``RequestFault`` for a header that would be read as another one
    /// or as the end of the head.
    func encoded() throws(RequestFault) -> ByteBuffer {
        guard place.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), isToken(method.rawValue) else {
            throw .unsendable
        }
        var head = "\(method.rawValue) \(place) HTTP/1.1\r\n"
        func add(_ name: String, _ value: String) {
            head += "\(name): \(value)\r\n"
        }
        for (name, value) in headers {
            guard isToken(name), isFieldValue(value.utf8) else { throw .unsendable }
            switch name.lowercased() {
            case "content-length", "transfer-encoding": continue
            default: add(name, value)
            }
        }
        if !headers.contains(name: "host") { add("host", origin.authority) }
        let isBare = [.GET, .HEAD, .DELETE, .CONNECT, .TRACE].contains(method)
        if !body.isEmpty || !isBare { add("Content-Length", "\(body.count)") }
        head += "\r\n"
        var bytes = ByteBuffer()
        bytes.reserveCapacity(head.utf8.count + body.count)
        bytes.writeString(head)
        bytes.writeBytes(body)
        return bytes
    }
}

/// What a request was answered.
package struct HTTPAnswer: Sendable {
    /// From 200 to 599.
    package let status: Int
    package let headers: HTTPHeaders
    /// As much as was asked for and came.
    package internal(set) var body: [UInt8] = []
    /// Whether the body came to its end within the limits.
    package internal(set) var isWhole = false

    /// The body, as text.
    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why a request got no answer.
package enum RequestFault: Error, CustomStringConvertible {
    /// The time was up.
    case timedOut
    /// The connection ended before an answer.
    case brokenOff
    /// What came is no answer of HTTP/1.1.
    case notHTTP
    /// A header or the method cannot be written down.
    case unsendable
    /// The client was shut down.
    case closed

    package var description: String {
        switch self {
        case .timedOut: "no answer in time"
        case .brokenOff: "connection broken off"
        case .notHTTP: "answered something that is not HTTP/1.1"
        case .unsendable: "the request has a header that cannot be sent"
        case .closed: "the client was shut down"
        }
    }
}

/// Whether a text is a token (RFC 9110, section 5.6.2), as names of headers are.
func isToken(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
}

func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    // ! # $ % & ' * + - . ^ _ ` | ~
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
    default: false
    }
}

/// Whether bytes can be a header's value: no control characters but tabs.
func isFieldValue(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
}
