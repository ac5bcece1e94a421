import FoundationEssentials

/// A time zone of the IANA database, as this system's files have it.
///
/// The files are those of the C library, `/usr/share/zoneinfo` or `TZDIR`, so they are as new as the
/// system keeps them. (Foundation's zones come from a copy within ICU, which nobody updates and which
/// would more than double the program.) `UTC` needs no file.
public struct Zone: Sendable, Hashable {
    /// As it was asked for, as in `Europe/Berlin`.
    public let name: String
    /// The offset before the first change, and each change in order; all differ from their neighbours.
    let first: Int64
    let changes: [ZoneChange]
    /// What holds after the last change of the file.
    let rule: ZoneRule?

    /// Coordinated universal time.
    public static let utc = Zone(name: "UTC", file: ZoneFile(first: 0, changes: [], rule: nil))

    /// Finds a zone. Throws ``InvalidInput`` naming `field` when this system has no such zone.
    public init(_ name: String, field: String = "zone") throws(InvalidInput) {
        if name == Zone.utc.name {
            self = .utc
            return
        }
        guard Self.isName(name) else {
            throw InvalidInput(
                field: field, "must be the name of an IANA zone, as in Europe/Berlin or UTC")
        }
        let environment = ProcessInfo.processInfo.environment
        let folder = environment["TZDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.folder
        guard let data = FileManager.default.contents(atPath: folder + "/" + name) else {
            throw InvalidInput(
                field: field,
                "must be a zone that this system has (see /usr/share/zoneinfo, of tzdata)")
        }
        guard let file = ZoneFile(Array(data)) else {
            throw InvalidInput(
                field: field, "must be a zone whose file has the TZif format without leap seconds")
        }
        self.init(name: name, file: file)
    }

    init(name: String, file: ZoneFile) {
        self.name = name
        first = file.first
        changes = file.changes.withoutIdle(after: file.first)
        rule = file.rule
    }

    private static let folder = "/usr/share/zoneinfo"

    /// Parts of letters, digits, `_`, `+` and `-`, so that no name leads out of the folder.
    private static func isName(_ name: String) -> Bool {
        guard (1...100).contains(name.utf8.count) else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                        UInt8(ascii: "+"), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }
    }
}

/// From some second on clocks are so many seconds ahead of UTC.
struct ZoneChange: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z.
    var time: Int64
    /// Seconds to add to UTC.
    var offset: Int64
}

extension Zone {
    /// The stretch of time around a second in which clocks are not changed.
    struct Segment: Sendable, Hashable {
        /// `nil`: since ever.
        var start: Int64?
        /// `nil`: for ever.
        var end: Int64?
        var offset: Int64
        /// The offset until `start`.
        var offsetBefore: Int64
    }

    /// Finds the stretch with a second since 1970-01-01T00:00:00Z.
    func segment(containing second: Int64) -> Segment {
        guard let last = changes.last, second >= last.time else {
            guard changes.isEmpty, let rule else {
                return Self.segment(second, changes, first)
            }
            return Self.segment(
                second, rule.changes(around: second).withoutIdle(after: first), first)
        }
        guard let rule else { return Self.segment(second, changes, first) }
        // The two last changes of the file tell what was before those by the rule.
        let known = changes.suffix(2)
        let before = changes.count > 2 ? changes[changes.count - 3].offset : first
        let later = rule.changes(around: second).filter { $0.time > last.time }
        return Self.segment(second, (Array(known) + later).withoutIdle(after: before), before)
    }

    /// A moment on this zone's clocks, as in `2026-03-29T03:00:00+02:00`.
    public func text(_ time: Timestamp) -> String {
        let second = time.microseconds.flooredDivision(by: 1_000_000).quotient
        let offset = segment(containing: second).offset
        let local = Timestamp(microseconds: time.microseconds &+ offset * 1_000_000)
        // Without the milliseconds.
        let stem = String(local.description.dropLast(5))
        guard offset != 0 else { return stem + "Z" }
        let minutes = abs(offset) / 60
        let digits = [minutes / 60, minutes % 60].map { ($0 < 10 ? "0" : "") + String($0) }
        return stem + (offset < 0 ? "-" : "+") + digits.joined(separator: ":")
    }

    private static func segment(
        _ second: Int64, _ changes: [ZoneChange], _ first: Int64
    ) -> Segment {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = low + (high - low) / 2
            if changes[middle].time <= second { low = middle + 1 } else { high = middle }
        }
        let end = low < changes.count ? changes[low].time : nil
        guard low > 0 else {
            return Segment(start: nil, end: end, offset: first, offsetBefore: first)
        }
        let current = changes[low - 1]
        return Segment(
            start: current.time, end: end, offset: current.offset,
            offsetBefore: low > 1 ? changes[low - 2].offset : first)
    }
}

extension [ZoneChange] {
    /// Without changes that change nothing, and with the last alone of several at one time.
    func withoutIdle(after first: Int64) -> [ZoneChange] {
        var kept: [ZoneChange] = []
        for change in self {
            if let last = kept.last, last.time >= change.time { kept.removeLast() }
            guard change.offset != kept.last?.offset ?? first else { continue }
            kept.append(change)
        }
        return kept
    }
}
