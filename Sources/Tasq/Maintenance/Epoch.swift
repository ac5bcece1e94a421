/// The mark that tells whether the doorbell still remembers, and whose it is.
///
/// It stands in the announcer as `EPOCH:COUNTER:SYSTEM.PLACE:NAME`; the counter is advanced once a
/// second and stored with the maintenance term. A mark that is missing or older than what is known
/// means that announcements were forgotten: a flush, an eviction, a failover to a replica that
/// lagged, a restart from an old file. Where one part can forget without the others, each has a
/// mark of its own: see ``EpochMarks``.
///
/// One of another database is an old file's, or that database is alive and rings the same bell:
/// ``EpochWatch`` tells which. Programs of before wrote `EPOCH:COUNTER`.
package struct Epoch: Sendable, Hashable {
    package let database: StoreIdentity
    var counter: Int64

    init(database: StoreIdentity, counter: Int64) {
        self.database = database
        self.counter = counter
    }

    var mark: String {
        "\(database.epoch):\(counter):\(database.system).\(database.place):\(database.name)"
    }

    /// What a mark says to who knows this one.
    package enum Reading: Sendable, Hashable {
        /// Nothing since was forgotten.
        case confirmed
        /// There is none, it is older, or it is none of ours to read.
        case forgotten
        /// It is another database's: its name, or what else is known of it.
        case foreign(String)
    }

    func reading(of mark: String?) -> Reading {
        guard let mark, let seen = Mark(mark) else { return .forgotten }
        guard seen.isFrom(database) else { return .foreign(seen.name) }
        return seen.counter >= counter ? .confirmed : .forgotten
    }

    /// A mark that was read.
    package struct Mark: Sendable, Hashable {
        let epoch: String
        let counter: Int64
        /// `nil` in a mark of before.
        let database: StoreIdentity?

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
                return
            }
            guard let dot = parts[2].firstIndex(of: ".") else { return nil }
            database = StoreIdentity(
                epoch: epoch, place: String(parts[2][parts[2].index(after: dot)...]),
                system: String(parts[2][..<dot]), name: parts[3])
        }

        /// Whether this database wrote it, as far as it tells.
        package func isFrom(_ other: StoreIdentity) -> Bool {
            database?.isSame(as: other) ?? (epoch == other.epoch)
        }
    }
}
