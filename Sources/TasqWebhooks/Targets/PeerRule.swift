package import Tasq

/// Which addresses a target may be reached at: public ones, and what its `allow` list names.
///
/// A URL of a configuration, or a name whose DNS somebody else controls, must not make this program
/// a way into the network it stands in (server-side request forgery).
package struct PeerRule: Sendable {
    /// Entries an `allow` list may have.
    package static let allowLimit = 64

    private let ranges: [AddressRange]
    /// The target's own host is listed by name: whatever it resolves to is meant.
    private let allowsHost: Bool

    /// Throws ``InvalidInput`` naming `field` for an entry that is neither an address, a range nor
    /// a host name.
    package init(allow: [String], host: String, field: String) throws(InvalidInput) {
        guard allow.count <= Self.allowLimit else {
            throw InvalidInput(field: field, "must have at most \(Self.allowLimit) entries")
        }
        var ranges: [AddressRange] = []
        var allowsHost = false
        for (index, entry) in allow.enumerated() {
            if let range = AddressRange(entry) {
                ranges.append(range)
            } else if isHostName(entry) {
                if entry.lowercased() == host.lowercased() { allowsHost = true }
            } else {
                throw InvalidInput(
                    field: "\(field)[\(index)]",
                    "must be an address, a range as in 10.20.0.0/16, or a host name")
            }
        }
        self.ranges = ranges
        self.allowsHost = allowsHost
    }

    /// Why the address must not be connected to, as in `a loopback address`; `nil` if it may be.
    package func objection(to address: IPAddress) -> String? {
        if allowsHost { return nil }
        let judged = address.behindNAT64 ?? address
        if ranges.contains(where: { $0.contains(address) || $0.contains(judged) }) { return nil }
        for (range, what) in Self.forbidden where range.contains(judged) { return what }
        if !judged.isV4, !Self.globalUnicast.contains(judged) {
            return "not a public address"
        }
        return nil
    }

    private static let globalUnicast = range("2000::/3")

    /// Everything the IANA special-purpose registries list as not globally reachable, and
    /// the platforms' own services that stand on public addresses.
    private static let forbidden: [(AddressRange, String)] = [
        (range("127.0.0.0/8"), "a loopback address"),
        (range("::1"), "a loopback address"),
        (range("0.0.0.0/8"), "an unspecified address"),
        (range("::"), "an unspecified address"),
        (range("10.0.0.0/8"), "a private address"),
        (range("172.16.0.0/12"), "a private address"),
        (range("192.168.0.0/16"), "a private address"),
        (range("fc00::/7"), "a private address"),
        (range("100.64.0.0/10"), "a carrier's private address"),
        (range("169.254.0.0/16"), "a link-local address"),
        (range("fe80::/10"), "a link-local address"),
        (range("168.63.129.16"), "a cloud platform's own address"),
        (range("192.0.0.0/24"), "a reserved address"),
        (range("192.0.2.0/24"), "a documentation address"),
        (range("198.51.100.0/24"), "a documentation address"),
        (range("203.0.113.0/24"), "a documentation address"),
        (range("2001:db8::/32"), "a documentation address"),
        (range("3fff::/20"), "a documentation address"),
        (range("192.88.99.0/24"), "a tunnel's address"),
        (range("2002::/16"), "a tunnel's address"),
        (range("2001::/23"), "a reserved address"),
        (range("198.18.0.0/15"), "a benchmark's address"),
        (range("224.0.0.0/4"), "a multicast address"),
        (range("ff00::/8"), "a multicast address"),
        (range("240.0.0.0/4"), "a reserved address"),
    ]

    private static func range(_ text: String) -> AddressRange {
        guard let range = AddressRange(text) else {
            preconditionFailure("\(text) is no address range")
        }
        return range
    }
}

/// Whether a text can be a host's name in ASCII. One whose last label is a number cannot be: some
/// resolvers read `127.1`, `2130706433` and `0x7f.1` as addresses.
package func isHostName(_ text: some StringProtocol) -> Bool {
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, let first = last.first else {
        return false
    }
    return !(0x30...0x39).contains(first)
        && labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                    default: false
                    }
                }
        }
}
