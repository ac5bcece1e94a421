/// Numbers as they go over the wire: most significant byte first.
extension [UInt8] {
    mutating func appendBigEndian(_ high: UInt64, _ low: UInt64) {
        appendBigEndian(high)
        appendBigEndian(low)
    }

    mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: number.bigEndian) { unsafe append(contentsOf: $0) }
    }

    /// Overwrites the four bytes at an index.
    mutating func putBigEndian(_ number: Int32, at index: Int) {
        for offset in 0..<4 {
            self[index + offset] = UInt8(truncatingIfNeeded: number >> (24 - 8 * offset))
        }
    }
}
