/// A compiled zone file, TZif of version 2 or later (RFC 9636).
struct ZoneFile: Sendable, Hashable {
    let first: Int64
    let changes: [ZoneChange]
    let rule: ZoneRule?

    /// Bytes that a file may have; the largest are 4 kB.
    private static let byteLimit = 1_048_576
    /// Beyond this many seconds from 1970 nothing is told apart: 30 000 years.
    private static let timeLimit: Int64 = 1_000_000_000_000
    /// Seconds that an offset may have.
    private static let offsets: ClosedRange<Int64> = -90_000...93_600

    init(first: Int64, changes: [ZoneChange], rule: ZoneRule?) {
        self.first = first
        self.changes = changes
        self.rule = rule
    }

    /// `nil` for anything else, for leap seconds, and for what contradicts itself.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.byteLimit else { return nil }
        var reader = ZoneReader(bytes: bytes[...])
        // The first block has times of 32 bits, for programs of before.
        guard let old = Header(&reader), old.version >= UInt8(ascii: "2"),
            reader.take(old.size(ofTime: 4)) != nil,
            let header = Header(&reader), header.leaps == 0, header.types > 0
        else { return nil }
        guard let times = reader.numbers(header.times, width: 8),
            let indexes = reader.take(header.times),
            let types = reader.take(header.types * 6),
            reader.take(header.characters + header.standards + header.universals) != nil
        else { return nil }
        var offsets: [Int64] = []
        var typeReader = ZoneReader(bytes: types)
        while let offset = typeReader.number(width: 4), typeReader.take(2) != nil {
            guard Self.offsets.contains(offset) else { return nil }
            offsets.append(offset)
        }
        guard let first = offsets.first, zip(times, times.dropFirst()).allSatisfy(<),
            indexes.allSatisfy({ Int($0) < offsets.count })
        else { return nil }
        self.first = first
        changes = zip(times, indexes).map { time, index in
            ZoneChange(
                time: max(-Self.timeLimit, min(time, Self.timeLimit)), offset: offsets[Int(index)])
        }
        guard reader.take(1)?.first == 10, reader.bytes.last == 10 else { return nil }
        let footer = String(decoding: reader.bytes.dropLast(), as: UTF8.self)
        guard !footer.isEmpty else {
            self.rule = nil
            return
        }
        guard let rule = ZoneRule(footer) else { return nil }
        self.rule = rule
    }

    /// The counts before a block of data.
    private struct Header {
        let version: UInt8
        let universals, standards, leaps, times, types, characters: Int

        init?(_ reader: inout ZoneReader) {
            guard let magic = reader.take(4), magic.elementsEqual("TZif".utf8),
                let version = reader.take(16)?.first,
                let counts = reader.numbers(6, width: 4),
                counts.allSatisfy({ (0...Int64(ZoneFile.byteLimit)).contains($0) })
            else { return nil }
            self.version = version
            universals = Int(counts[0])
            standards = Int(counts[1])
            leaps = Int(counts[2])
            times = Int(counts[3])
            types = Int(counts[4])
            characters = Int(counts[5])
        }

        func size(ofTime width: Int) -> Int {
            times * (width + 1) + types * 6 + characters + leaps * (width + 4) + standards
                + universals
        }
    }
}

/// Reads bytes from the front.
private struct ZoneReader {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }

    /// A signed number, the most significant byte first.
    mutating func number(width: Int) -> Int64? {
        guard let taken = take(width) else { return nil }
        let bits = taken.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return width == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }

    mutating func numbers(_ count: Int, width: Int) -> [Int64]? {
        guard bytes.count >= count * width else { return nil }
        return (0..<count).compactMap { _ in number(width: width) }
    }
}
