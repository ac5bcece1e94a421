public import Tasq

/// Where Redis is and who we are to it, read from a URL.
///
/// The form is `redis://[user[:password]@]host[:port][/database]`; a password alone is written
/// `redis://:password@host`. Characters with a meaning of their own are percent-encoded.
///
/// `redis+sentinel://[user:password@]host[:port],host[:port]…/service[/database]` names sentinels and
/// what they watch; user and password are the servers', those of the sentinels, where they ask for
/// any, are `?sentinel_username=…&sentinel_password=…`.
/// `redis+cluster://[user:password@]host[:port],host[:port]…` names some nodes of a cluster; one that
/// answers tells the others.
///
/// `rediss` in place of `redis` is the same over TLS, sentinels and all nodes included, each server's
/// certificate and name checked against the system's authorities. Options named as `redis-cli`'s
/// flags follow a `?`, as in
/// `rediss://host:6380?cacert=/etc/redis/ca.pem&cert=/etc/tasq.pem&key=/etc/tasq.key&sni=redis.internal`:
/// other authorities, our own certificate and key, and the name the certificates must be for, where
/// servers are found by their addresses.
public struct RedisSettings: Sendable, Hashable {
    /// How the servers stand to each other.
    public enum Shape: Sendable, Hashable {
        /// One server.
        case single
        /// One primary of several servers; sentinels know which, by the name of the service.
        case sentinel(service: String)
        /// Many primaries, each with its share of the keys.
        case cluster

        var isSentinel: Bool {
            if case .sentinel = self { true } else { false }
        }
    }

    /// How the servers stand to each other.
    public let shape: Shape
    /// The servers the URL names, in its order: the one, the sentinels or some of the nodes. Ports
    /// are 6379, those of sentinels 26379, unless the URL says otherwise.
    public let servers: [ServerAddress]
    /// `nil` for the default user.
    public let user: String?
    /// `nil` where Redis asks for none.
    public let password: String?
    /// The number of the database, 0 unless the URL says otherwise.
    public let database: Int
    /// Who we are to the sentinels.
    let sentinelUser: String?
    let sentinelPassword: String?
    /// `nil` without TLS.
    let tls: RedisTLS?
    /// What every key of this deployment begins with.
    public let prefix: String
    /// How long Redis may take to answer an announcement before its connection is given up. A
    /// program that runs for long needs no more; one that ends after it may wait longer.
    public var announceTime: Duration = .seconds(1)
    /// How many ids one list may hold; beyond that the newest are left to the sweep.
    package var idsPerList = RedisLimits.idsPerList

    /// Reads a URL; throws `InvalidInput` that names the broken rule and never quotes the URL.
    public init(url: String, prefix: String = "tasq") throws(InvalidInput) {
        let parts = try RedisURL(url)
        shape = parts.shape
        servers = parts.servers
        user = parts.user
        password = parts.password
        database = parts.database
        sentinelUser = parts.options.sentinelUser
        sentinelPassword = parts.options.sentinelPassword
        if let options = parts.options.tls {
            tls = try RedisTLS(options, hosts: parts.servers.map(\.host))
        } else {
            tls = nil
        }
        self.prefix = try Name(prefix, field: "the Redis key prefix").description
    }

    /// `redis HOST:PORT`, `redis SERVICE of sentinel HOST:PORT,…` or `redis cluster HOST:PORT,…`,
    /// without user and password; for logs and errors.
    public var safeDescription: String {
        let names = servers.map(\.description).joined(separator: ",")
        return switch shape {
        case .single: "redis \(names)"
        case .sentinel(let service): "redis \(service) of sentinel \(names)"
        case .cluster: "redis cluster \(names)"
        }
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
            self,
            children: ["servers": "\(servers)", "database": database, "prefix": prefix])
    }
}
