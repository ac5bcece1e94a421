public import Tasq

/// Where Redis is and who we are to it, read from a URL.
///
/// The form is `redis://[user[:password]@]host[:port][/database]`; a password alone is written
/// `redis://:password@host`. Characters with a meaning of their own are percent-encoded.
///
/// `rediss://` is the same over TLS, the server's certificate and name checked against the system's
/// authorities. Options named as `redis-cli`'s flags follow a `?`, as in
/// `rediss://host:6380?cacert=/etc/redis/ca.pem&cert=/etc/tasq.pem&key=/etc/tasq.key&sni=redis.internal`:
/// other authorities, our own certificate and key, and the name the certificate must be for.
public struct RedisSettings: Sendable, Hashable {
    /// A name, or an address without brackets.
    public let host: String
    /// 6379 unless the URL says otherwise.
    public let port: Int
    /// `nil` for the default user.
    public let user: String?
    /// `nil` where Redis asks for none.
    public let password: String?
    /// The number of the database, 0 unless the URL says otherwise.
    public let database: Int
    /// `nil` without TLS.
    let tls: RedisTLS?
    /// What every key of this deployment begins with.
    public let prefix: String

    /// Reads a URL; throws ``InvalidInput`` that names the broken rule and never quotes the URL.
    public init(url: String, prefix: String = "tasq") throws(InvalidInput) {
        let parts = try RedisURL(url)
        host = parts.host
        port = parts.port
        user = parts.user
        password = parts.password
        database = parts.database
        if let options = parts.tls {
            tls = try RedisTLS(options, host: parts.host)
        } else {
            tls = nil
        }
        self.prefix = try Name(prefix, field: "the Redis key prefix").description
    }

    /// `redis HOST:PORT`, without user and password; for logs and errors.
    public var safeDescription: String {
        "redis " + (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host) + ":\(port)"
    }
}

extension RedisSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The same as ``safeDescription``.
    public var description: String { safeDescription }
    /// The same as ``safeDescription``.
    public var debugDescription: String { safeDescription }
    /// Nothing of the user and the password shows in a dump either.
    public var customMirror: Mirror {
        Mirror(
            self, children: ["host": host, "port": port, "database": database, "prefix": prefix])
    }
}
