import Synchronization

/// A 128-bit identifier of one kind of thing; its text is the usual lower-case UUID form.
///
/// New identifiers are UUIDv7 (RFC 9562, section 5.7): they grow with time, so they sit next to
/// each other in an index, and whoever enqueues makes them, so they are never handed out twice,
/// not even after a failover. `Noun` keeps a job's id from being passed where a claim is meant.
@frozen
public struct Identifier<Noun>: Sendable {
    /// The first eight octets, most significant first.
    public let high: UInt64
    /// The last eight octets, most significant first.
    public let low: UInt64

    /// Makes an identifier of its sixteen octets.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a new UUIDv7; within a process each is greater than the one before.
    public init() {
        (high, low) = IdentifierClock.next()
    }

    /// Reads the 36-character form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in either case;
    /// `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        self.init(utf8: Array(text.utf8))
    }

    /// Reads the same form from its bytes.
    package init?(utf8 text: [UInt8]) {
        guard text.count == 36 else { return nil }
        var digits = (high: UInt64(0), low: UInt64(0))
        for position in 0..<36 {
            let byte = text[position]
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let nibble = hexValue(of: byte) else { return nil }
            if position < 18 {
                digits.high = digits.high << 4 | nibble
            } else {
                digits.low = digits.low << 4 | nibble
            }
        }
        (high, low) = digits
    }
}

extension Identifier: Hashable, Comparable {
    /// Whether all sixteen octets are the same.
    @inlinable
    public static func == (left: Self, right: Self) -> Bool {
        left.high == right.high && left.low == right.low
    }

    /// Orders by octets, which for UUIDv7 is by the time they were made.
    @inlinable
    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Feeds all sixteen octets.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(high)
        hasher.combine(low)
    }
}

extension Identifier: CustomStringConvertible {
    /// The 36-character form, in lower case.
    public var description: String { String(decoding: utf8, as: UTF8.self) }

    /// The bytes of ``description``.
    package var utf8: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text.append(UInt8(ascii: "-"))
            }
            let word = index < 16 ? high : low
            let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - (index & 15) * 4)) & 15
            text.append(
                nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
        return text
    }
}

extension Identifier: Codable {
    /// Decodes the 36-character form; anything else is corrupt data.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = try Self(container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an identifier of 36 characters")
        }
        self = id
    }

    /// Encodes the 36-character form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The id of a job.
public typealias JobID = Identifier<JobRecord>
/// The right to run one job once: the fencing token, unique per claim for ever.
public typealias ClaimToken = Identifier<ClaimedJob>
/// The id of a worker process, fresh at every start.
public typealias WorkerID = Identifier<WorkerRecord>
/// The id of a stored body; of a webhook event where one came in.
public typealias PayloadID = Identifier<Payload>

/// The process-wide source of UUIDv7 values.
///
/// Layout: 48 bits of Unix milliseconds, version 7, a 12-bit counter, variant 2, 62 random bits.
/// The counter keeps ids made within one millisecond in order (RFC 9562, section 6.2, method 1);
/// when it is used up, or the clock steps back, the last millisecond is lent one more.
enum IdentifierClock {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
    }

    private static let state = Mutex(State())

    static func next() -> (high: UInt64, low: UInt64) {
        let now = WallClock.millisecondsSinceEpoch
        let stamp = state.withLock { state in
            if now > state.milliseconds {
                state = State(milliseconds: now, counter: UInt64.random(in: 0..<1024))
            } else if state.counter < 4095 {
                state.counter += 1
            } else {
                state = State(milliseconds: state.milliseconds + 1, counter: 0)
            }
            return state
        }
        let high = stamp.milliseconds << 16 | 0x7000 | stamp.counter
        let low = UInt64.random(in: 0...UInt64.max) >> 2 | 0x8000_0000_0000_0000
        return (high, low)
    }
}

private func hexValue(of byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}
