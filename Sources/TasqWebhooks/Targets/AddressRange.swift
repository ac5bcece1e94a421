/// The addresses that share a prefix, as in `10.20.0.0/16` or `fd00::/8`.
package struct AddressRange: Sendable, Hashable {
    private let network: UInt128
    private let mask: UInt128

    /// Reads an address, or an address and the length of its prefix; the bits after the prefix do
    /// not count. `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        // A dotted quad's prefix counts from its own first bit; `::ffff:10.0.0.0/104` from the
        // first of all.
        let offset = first.utf8.contains(UInt8(ascii: ":")) ? 0 : 96
        var length = 128
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count),
                parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= 128 - offset
            else { return nil }
            length = number + offset
        }
        mask = length == 0 ? 0 : UInt128.max << UInt128(128 - length)
        network = address.bits & mask
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.bits & mask == network
    }
}
