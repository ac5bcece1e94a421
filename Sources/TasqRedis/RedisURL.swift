import Tasq

/// The parts of a Redis URL.
struct RedisURL {
    private(set) var host = ""
    private(set) var port = 6379
    private(set) var user: String?
    private(set) var password: String?
    private(set) var database = 0
    /// `nil` without TLS.
    private(set) var tls: RedisTLS.Options?

    init(_ url: String) throws(InvalidInput) {
        guard let separator = url.firstRange(ofText: "://") else {
            throw Self.invalid("must look like redis://host:6379")
        }
        let scheme = url[..<separator.lowerBound].lowercased()
        try Self.check(scheme: scheme)
        var rest = url[separator.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw Self.invalid("must not contain spaces or control characters: percent-encode them")
        }
        if scheme == "rediss" {
            tls = RedisTLS.Options()
            if let mark = rest.lastIndex(of: "?") {
                tls = try Self.options(in: rest[rest.index(after: mark)...])
                rest = rest[..<mark]
            }
        }
        guard !rest.contains("?"), !rest.contains("#") else {
            throw Self.invalid("takes no options after ? or #; percent-encode them in a password")
        }
        if let slash = rest.firstIndex(of: "/") {
            database = try Self.database(in: rest[rest.index(after: slash)...])
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            try readUser(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try readHost(rest)
    }

    private static func check(scheme: String) throws(InvalidInput) {
        switch scheme {
        case "redis", "rediss": return
        case "redis+sentinel":
            throw invalid("Sentinel is not supported yet: name the primary with redis://")
        case "redis+cluster":
            throw invalid("Cluster is not supported yet: name a single server with redis://")
        default:
            throw invalid("must begin with redis:// or rediss://")
        }
    }

    /// Reads `cacert=/path&cert=/path&key=/path&sni=name`, each once.
    private static func options(in text: Substring) throws(InvalidInput) -> RedisTLS.Options {
        var options = RedisTLS.Options()
        var seen: Set<Substring> = []
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = pair.first, seen.insert(name).inserted else {
                throw invalid("must give each option after ? once, as in cacert=/path")
            }
            let value = try decode(pair[1])
            guard !value.isEmpty, !value.utf8.contains(0) else {
                throw invalid("has an option without a value")
            }
            switch name {
            case "cacert": options.cacert = value
            case "cert": options.cert = value
            case "key": options.key = value
            case "sni": options.sni = value
            default:
                throw invalid(
                    "knows the options " + RedisTLS.Options.names.joined(separator: ", ") + " only")
            }
        }
        return options
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

    private mutating func readHost(_ text: Substring) throws(InvalidInput) {
        var name = text
        var number: Substring?
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]") else {
                throw Self.invalid("has an address without its closing bracket")
            }
            name = text[text.index(after: text.startIndex)..<bracket]
            let tail = text[text.index(after: bracket)...]
            guard tail.isEmpty || tail.first == ":" else {
                throw Self.invalid("must have the port after the bracket, as in [::1]:6379")
            }
            number = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            name = text[..<colon]
            number = text[text.index(after: colon)...]
            guard !name.contains(":") else {
                throw Self.invalid("must have an IPv6 address in brackets, as in [::1]:6379")
            }
        }
        guard !name.isEmpty else { throw Self.invalid("must name a host") }
        host = try Self.decode(name)
        guard host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw Self.invalid("must name a host of at most 255 ASCII characters")
        }
        guard let number else { return }
        guard let port = Self.number(number, in: 1...65_535) else {
            throw Self.invalid("must have a port between 1 and 65535")
        }
        self.port = port
    }

    private static func database(in text: Substring) throws(InvalidInput) -> Int {
        guard !text.isEmpty else { return 0 }
        guard let database = number(text, in: 0...65_535) else {
            throw invalid("must have a database number between 0 and 65535 after the slash")
        }
        return database
    }

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
