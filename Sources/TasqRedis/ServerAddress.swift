/// Where a server listens: a name, or an address without brackets, and a port.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name, or an address without brackets.
    public let host: String
    /// 1 to 65535.
    public let port: Int

    /// Takes both as they are.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, an IPv6 address in brackets.
    public var description: String {
        (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host) + ":\(port)"
    }
}
