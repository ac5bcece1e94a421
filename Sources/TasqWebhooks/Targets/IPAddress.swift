import Tasq

/// An IPv4 or IPv6 address as 128 bits; IPv4 stands in its mapped form `::ffff:a.b.c.d`, so that
/// the two ways to write one address are one value.
package struct IPAddress: Sendable, Hashable {
    package let bits: UInt128

    package init(bits: UInt128) {
        self.bits = bits
    }

    /// The mapped form of an IPv4 address.
    package init(v4: UInt32) {
        bits = 0xFFFF << 32 | UInt128(v4)
    }

    /// Reads four decimal numbers, or the IPv6 forms of RFC 4291 with or without a zone; `nil`
    /// for anything else, among it `127.1`, `0x7f000001` and numbers with leading zeros.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 100 else { return nil }
        if let v4 = dottedQuad(bytes[...]) {
            self.init(v4: v4)
        } else {
            let address = bytes.prefix { $0 != UInt8(ascii: "%") }
            guard let bits = groups(address) else { return nil }
            self.init(bits: bits)
        }
    }

    /// Whether this is an IPv4 address, however it was written.
    package var isV4: Bool { bits >> 32 == 0xFFFF }

    /// The IPv4 address to which a NAT64 gateway under the well-known prefix `64:ff9b::/96`
    /// (RFC 6052) passes packets on.
    package var behindNAT64: IPAddress? {
        bits >> 32 == 0x0064_FF9B << 64 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : nil
    }
}

private func dottedQuad(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
        guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30,
            part.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        let number = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
        guard number <= 255 else { return nil }
        address = address << 8 | number
    }
    return address
}

/// Eight groups of up to four hexadecimal digits; one `::` stands for one or more groups of zero,
/// and the last two may be a dotted quad.
private func groups(_ text: ArraySlice<UInt8>) -> UInt128? {
    let colon = UInt8(ascii: ":")
    guard
        let gap = zip(text.indices, text.indices.dropFirst()).first(where: {
            text[$0.0] == colon && text[$0.1] == colon
        })
    else {
        guard let all = run(text), all.count == 8 else { return nil }
        return joined(all)
    }
    guard let head = run(text[..<gap.0], mayEndInQuad: false),
        let tail = run(text[gap.1...].dropFirst()),
        head.count + tail.count <= 7
    else { return nil }
    return joined(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
}

/// Groups separated by single colons; none for an empty text.
private func run(_ text: ArraySlice<UInt8>, mayEndInQuad: Bool = true) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    var result: [UInt16] = []
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
        if mayEndInQuad, index == parts.count - 1, let quad = dottedQuad(part) {
            result += [UInt16(quad >> 16), UInt16(truncatingIfNeeded: quad)]
            continue
        }
        guard (1...4).contains(part.count) else { return nil }
        var group: UInt16 = 0
        for byte in part {
            guard let digit = hexDigit(byte) else { return nil }
            group = group << 4 | UInt16(digit)
        }
        result.append(group)
    }
    return result
}

private func joined(_ groups: [UInt16]) -> UInt128 {
    groups.reduce(0) { $0 << 16 | UInt128($1) }
}
