/// The slot of a cluster that a key belongs to: 0 to 16383.
///
/// CRC-16/XMODEM of what stands between the first `{` and the next `}`, or of the whole key where
/// nothing does (Redis Cluster specification, "Hash tags").
struct KeySlot: Sendable, Hashable {
    static let count = 16_384

    let number: Int

    init(of key: String) {
        let bytes = key.utf8
        var tag = bytes[...]
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
            let inner = bytes[bytes.index(after: open)...]
            if let close = inner.firstIndex(of: UInt8(ascii: "}")), close != inner.startIndex {
                tag = inner[..<close]
            }
        }
        var crc: UInt16 = 0
        for byte in tag {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        }
        number = Int(crc) % Self.count
    }
}
