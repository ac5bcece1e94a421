/// The mark that tells whether the doorbell still remembers, and whose it is.
///
/// It stands in the announcer as `EPOCH:COUNTER:SYSTEM.PLACE:NAME:NUMBER`; the counter is advanced once
/// a second and stored with the maintenance term; the number is drawn by whoever takes the term, for a
/// copy of a database's files is told from it by nothing else. A mark that is missing or older than what is known
/// means that announcements were forgotten: a flush, an eviction, a failover to a replica that
/// lagged, a restart from an old file. Where one part can forget without the others, each has a
/// mark of its own: see ``EpochMarks``.
///
/// One of another database is an old file's, or that database is alive and rings the same bell:
/// ``EpochWatch`` tells which. Programs of before wrote `EPOCH:COUNTER`, or all but the number, and
/// read that as a part of the name, which only people look at.
package struct Epoch: Sendable, Hashable {
    package let database: StoreIdentity
    var counter: Int64
    /// Whose mark it is among those who hold the term of this database; `nil` for anybody's.
    let number: UInt32?

    init(database: StoreIdentity, counter: Int64, number: UInt32? = nil) {
        self.database = database
        self.counter = counter
        self.number = number
    }

    var mark: String {
        "\(database.epoch):\(counter):\(database.system).\(database.place):\(database.name)"
            + (number.map { ":\($0)" } ?? "")
    }

    /// What a mark says to who knows this one.
    package enum Reading: Sendable, Hashable {
        /// Nothing since was forgotten.
        case confirmed
        /// There is none, it is older, or it is none of ours to read.
        case forgotten
        /// It is this database's by all it says, but not that of whoever asks; older or not.
        case others(isOlder: Bool)
        /// It is another database's: its name, or what else is known of it.
        case foreign(String)
    }

    func reading(of mark: String?) -> Reading {
        guard let mark, let seen = Mark(mark) else { return .forgotten }
        guard seen.isFrom(database) else { return .foreign(seen.name) }
        let isOlder = seen.counter < counter
        if let number, let other = seen.number, other != number {
            return .others(isOlder: isOlder)
        }
        return isOlder ? .forgotten : .confirmed
    }

    /// A mark that was read.
    package struct Mark: Sendable, Hashable {
        let epoch: String
        let counter: Int64
        /// `nil` in a mark of before.
        let database: StoreIdentity?
        /// `nil` in a mark of before.
        let number: UInt32?

        /// Whose it is, for people.
        package var name: String { database?.name ?? StoreIdentity.printable("epoch \(epoch)") }

        /// `nil` for what is no mark.
        package init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 2 || parts.count == 4, let counter = Int64(parts[1]) else {
                return nil
            }
            epoch = String(parts[0])
            self.counter = counter
            guard parts.count == 4 else {
                database = nil
                number = nil
                return
            }
            guard let dot = parts[2].firstIndex(of: ".") else { return nil }
            // A name ends with that of a schema, in which there is no colon.
            let end = parts[3].lastIndex(of: ":")
            number = end.flatMap { UInt32(parts[3][parts[3].index(after: $0)...]) }
            database = StoreIdentity(
                epoch: epoch, place: String(parts[2][parts[2].index(after: dot)...]),
                system: String(parts[2][..<dot]),
                name: number == nil ? parts[3] : parts[3][..<(end ?? parts[3].endIndex)])
        }

        /// Whether this database wrote it, as far as it tells.
        package func isFrom(_ other: StoreIdentity) -> Bool {
            database?.isSame(as: other) ?? (epoch == other.epoch)
        }
    }
}

/// The numbers of marks that were read one after the other.
package struct MarkNumbers: Sendable {
    private var seen: Set<UInt32> = []
    private var gone: Set<UInt32> = []

    package init() {}

    /// Whether a number stands there again that another had replaced: an election draws a new one, so
    /// both who wrote them are there.
    package mutating func shows(_ marks: [Epoch.Mark]) -> Bool {
        let now = Set(marks.compactMap(\.number))
        defer {
            gone.formUnion(seen.subtracting(now))
            seen.formUnion(now)
        }
        return !now.isDisjoint(with: gone)
    }
}
