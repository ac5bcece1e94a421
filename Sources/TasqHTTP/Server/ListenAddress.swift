public import Tasq

/// Where a listener waits for connections.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an IPv4 or IPv6 address, without brackets.
    public let host: String
    /// The TCP port; 0 lets the system choose one.
    public let port: Int

    /// Takes the host as it is.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[::1]:port` or `:port`, which means every IPv4 address.
    ///
    /// Throws `InvalidInput` naming `field`.
    public init(_ text: String, field: String) throws(InvalidInput) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw InvalidInput(field: field, "must be host:port, as in 127.0.0.1:8081") }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw InvalidInput(
                field: field, "must write an IPv6 address in brackets, as in [::1]:8081")
        }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: Int(port))
    }

    /// Whether only this computer can reach the address.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// `host:port`, an IPv6 address in brackets.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// Why a listener could not start; its text names the address and the cause.
public struct ListenError: Error, Sendable, CustomStringConvertible {
    /// As in `cannot listen on 127.0.0.1:8080: address already in use`.
    public let description: String

    init(_ address: ListenAddress, _ cause: any Error) {
        description = "cannot listen on \(address): \(cause)"
    }
}
