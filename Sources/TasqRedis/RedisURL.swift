import Tasq

/// The parts of a Redis URL.
struct RedisURL {
    private(set) var shape = RedisSettings.Shape.single
    /// At least one; more than one only of sentinels or of a cluster.
    private(set) var servers: [ServerAddress] = []
    private(set) var user: String?
    private(set) var password: String?
    private(set) var database = 0
    private(set) var options = Options()

    /// The parameters after the `?`.
    struct Options {
        /// `nil` without TLS.
        var tls: RedisTLS.Options?
        var sentinelUser: String?
        var sentinelPassword: String?
    }

    /// Servers one URL may name.
    static let mostServers = 64

    init(_ url: String) throws(InvalidInput) {
        guard let separator = url.firstRange(ofText: "://") else {
            throw Self.invalid("must look like redis://host:6379")
        }
        var scheme = url[..<separator.lowerBound].lowercased()[...]
        var rest = url[separator.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw Self.invalid("must not contain spaces or control characters: percent-encode them")
        }
        if scheme.hasPrefix("rediss") {
            options.tls = RedisTLS.Options()
            scheme = "redis" + scheme.dropFirst("rediss".count)
        }
        shape = try Self.shape(scheme)
        if options.tls != nil || shape.isSentinel, let mark = rest.lastIndex(of: "?") {
            try readOptions(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        guard !rest.contains("?"), !rest.contains("#") else {
            throw Self.invalid("takes no options after ? or #; percent-encode them in a password")
        }
        var path: Substring?
        if let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            try readUser(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try readPath(path)
        try readServers(rest)
    }

    private static func shape(_ scheme: Substring) throws(InvalidInput) -> RedisSettings.Shape {
        switch scheme {
        case "redis": return .single
        case "redis+sentinel": return .sentinel(service: "")
        case "redis+cluster": return .cluster
        default:
            throw invalid(
                "must begin with redis://, redis+sentinel:// or redis+cluster://, or with rediss "
                    + "in place of redis for TLS")
        }
    }

    /// The database; of sentinels, first the name that they know the primary by.
    private mutating func readPath(_ path: Substring?) throws(InvalidInput) {
        var path = path ?? ""
        switch shape {
        case .single: break
        case .cluster:
            guard path.isEmpty || path == "0" else {
                throw Self.invalid("names a database, and a cluster has none")
            }
            return
        case .sentinel:
            let end = path.firstIndex(of: "/") ?? path.endIndex
            let service = try Self.decode(path[..<end])
            guard (1...255).contains(service.utf8.count),
                service.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
            else {
                throw Self.invalid(
                    "must name what the sentinels watch after the slash, as in "
                        + "redis+sentinel://host:26379/mymaster")
            }
            shape = .sentinel(service: service)
            path = end == path.endIndex ? "" : path[path.index(after: end)...]
        }
        guard !path.isEmpty else { return }
        guard let database = Self.number(path, in: 0...65_535) else {
            throw Self.invalid(
                "must have a database number between 0 and 65535 after the slash")
        }
        self.database = database
    }

    /// Reads `name=value&name=value`, each name once.
    private mutating func readOptions(_ text: Substring) throws(InvalidInput) {
        var seen: Set<Substring> = []
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = pair.first, seen.insert(name).inserted else {
                throw Self.invalid("must give each option after ? once, as in cacert=/path")
            }
            let value = try Self.decode(pair[1])
            guard !value.isEmpty, !value.utf8.contains(0) else {
                throw Self.invalid("has an option without a value")
            }
            switch name {
            case "cacert" where options.tls != nil: options.tls?.cacert = value
            case "cert" where options.tls != nil: options.tls?.cert = value
            case "key" where options.tls != nil: options.tls?.key = value
            case "sni" where options.tls != nil: options.tls?.sni = value
            case "sentinel_username" where shape.isSentinel: options.sentinelUser = value
            case "sentinel_password" where shape.isSentinel: options.sentinelPassword = value
            default:
                let known =
                    (options.tls == nil ? [] : RedisTLS.Options.names)
                    + (shape.isSentinel ? ["sentinel_username", "sentinel_password"] : [])
                throw Self.invalid("knows the options " + known.joined(separator: ", ") + " only")
            }
        }
        guard options.sentinelUser == nil || options.sentinelPassword != nil else {
            throw Self.invalid("gives sentinel_username without sentinel_password")
        }
    }

    private mutating func readUser(_ text: Substring) throws(InvalidInput) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Self.invalid("names a user without a password: write user:password@")
        }
        let name = try Self.decode(text[..<colon])
        let secret = try Self.decode(text[text.index(after: colon)...])
        guard !secret.isEmpty else {
            guard name.isEmpty else { throw Self.invalid("names a user with an empty password") }
            return
        }
        user = name.isEmpty ? nil : name
        password = secret
    }

    private mutating func readServers(_ text: Substring) throws(InvalidInput) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 1 || shape != .single else {
            throw Self.invalid(
                "names several hosts: that is redis+sentinel:// or redis+cluster://")
        }
        guard parts.count <= Self.mostServers else {
            throw Self.invalid("names more than \(Self.mostServers) servers")
        }
        for part in parts {
            let server = try Self.server(part, port: shape.isSentinel ? 26379 : 6379)
            guard !servers.contains(server) else { throw Self.invalid("names a server twice") }
            servers.append(server)
        }
    }

    private static func server(
        _ text: Substring, port standard: Int
    ) throws(InvalidInput) -> ServerAddress {
        var name = text
        var digits: Substring?
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else {
                throw invalid("has an address without its closing bracket")
            }
            name = text[text.index(after: text.startIndex)..<bracket]
            let tail = text[text.index(after: bracket)...]
            guard tail.isEmpty || tail.first == ":" else {
                throw invalid("must have the port after the bracket, as in [::1]:6379")
            }
            digits = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            name = text[..<colon]
            digits = text[text.index(after: colon)...]
            guard !name.contains(":") else {
                throw invalid("must have an IPv6 address in brackets, as in [::1]:6379")
            }
        }
        guard !name.isEmpty else { throw invalid("must name a host") }
        let host = try decode(name)
        guard host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw invalid("must name a host of at most 255 ASCII characters")
        }
        guard let digits else { return ServerAddress(host: host, port: standard) }
        guard let port = number(digits, in: 1...65_535) else {
            throw invalid("must have a port between 1 and 65535")
        }
        return ServerAddress(host: host, port: port)
    }
}

extension RedisURL {
    private static func number(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard text.utf8.count <= 5, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    private static func decode(_ text: Substring) throws(InvalidInput) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy(isHexDigit),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw invalid("has a % that is not followed by two hexadecimal digits") }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw invalid("must decode to UTF-8")
        }
        return decoded
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default:
            false
        }
    }

    private static func invalid(_ rule: String) -> InvalidInput {
        InvalidInput(field: "REDIS_URL", rule)
    }
}

extension String {
    fileprivate func firstRange(ofText text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
