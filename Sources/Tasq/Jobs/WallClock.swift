import FoundationEssentials

/// The computer's idea of the date: good for ids and for people, never for leases or due times.
package enum WallClock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package static var millisecondsSinceEpoch: UInt64 {
        UInt64(max(0, microsecondsSinceEpoch / 1000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    package static var microsecondsSinceEpoch: Int64 {
        Int64(Date().timeIntervalSince1970 * 1_000_000)
    }
}
